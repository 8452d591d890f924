"""Chinese: English template to Chinese template, by where it is said.

Technical words that a client's developer looks up (names of headers and settings) stay as they are.
"""

ZH: dict[str, str] = {
    # kernel
    "{field}: {allowed}": "{field}:{allowed}",
    "a request with this Idempotency-Key just failed; try again": "使用该密钥的请求刚刚失败,请重试",
    "the rooms are not open yet; connect again in a moment": "房间尚未开放,请稍后重新连接",
    "the database does not answer": "数据库没有响应",
    "the database is gone or busy; ask again": "数据库连接已断开或正忙,请稍后重试",
    "the token is not one of ours; log in again": "令牌无效,请重新登录",
    "this token is not meant for that; log in again": "该令牌不能用于此操作,请重新登录",
    "the token is over; refresh it or log in again": "令牌已过期,请刷新令牌或重新登录",
    "too many passwords are being checked; try again in {seconds} s": (
        "正在校验的密码过多,请在 {seconds} 秒后重试"
    ),
    # http
    "there is no such route; GET /schema lists them": "没有这个接口;GET /schema 列出全部接口",
    "this route takes {allowed}": "该接口只接受 {allowed}",
    "a token is needed: Authorization: Bearer …": "需要令牌:Authorization: Bearer …",
    "the token is no longer good; log in again": "令牌已失效,请重新登录",
    "pages of this origin may not call us; see the setting http.origins": (
        "不允许来自该来源的网页访问;参见设置 http.origins"
    ),
    "the server stops; try again": "服务器正在停止,请重试",
    "the {peer} service does not answer; try again": "{peer} 服务没有响应,请重试",
    "there are too many sockets here; try again": "此处的连接过多,请稍后重试",
    "this took too long and was stopped; try again": "处理超时,已中止,请重试",
    "something broke here; the log has it under the request id": (
        "服务器内部错误;日志中可按 request id 查到"
    ),
    "the body is not JSON as it should be: {reason}": "请求体不是合格的 JSON:{reason}",
    "the body may have {limit} bytes": "请求体最多 {limit} 字节",
    "the body never came to its end": "请求体没有发送完",
    "the body took too long to arrive": "请求体发送超时",
    "the server holds too much already; try again": "服务器繁忙,请稍后重试",
    "too many requests; try again in {seconds} s": "请求过于频繁,请在 {seconds} 秒后重试",
    "this Idempotency-Key was used with another body; choose a new one": (
        "该 Idempotency-Key 已用于另一个请求体,请换一个"
    ),
    "the first request with this Idempotency-Key is still running; try again": (
        "使用该 Idempotency-Key 的第一个请求仍在处理,请重试"
    ),
    "you used too many Idempotency-Keys within a day; send none": (
        "一天内使用的 Idempotency-Key 过多,请不要再发送"
    ),
    "must be 1 or more": "至少为 1",
    "is required": "必填",
    # ai
    "the engine failed; the log has the reason under the request id": (
        "分析引擎出错;原因可在日志中按 request id 查到"
    ),
    "analysis is unavailable: {reason}": "分析服务不可用:{reason}",
    "the analysis took longer than it may": "分析超时",
    # user
    "the name or the password is wrong": "用户名或密码错误",
    "this account is banned; ask an administrator": "该账号已被封禁,请联系管理员",
    "this account is not active; ask an administrator": "该账号未启用,请联系管理员",
    "the refresh token is not good; log in again": "刷新令牌无效,请重新登录",
    "{field} is taken; choose another": "{field} 已被使用,请换一个",
    "there is no such user": "用户不存在",
    "there is no user {name}": "用户 {name} 不存在",
    "only the command line may do this": "该操作只能在命令行中进行",
    "only services may do this": "该操作只对服务开放",
    "must be online, away, busy or offline": "必须是 online、away、busy 或 offline",
    "Welcome, {name}": "欢迎,{name}",
    (
        "Hello {name},\n\nyour account {username} is ready: log in with this name or with this"
        " e-mail address, and begin or join a meeting.\n\nIf you did not ask for an account,"
        " somebody used your address; you need do nothing.\n"
    ): (
        "{name},您好:\n\n您的账号 {username} 已开通:请用该用户名或本邮箱地址登录,即可发起或加入"
        "会议。\n\n如果您没有申请账号,说明有人误用了您的邮箱地址,无需任何操作。\n"
    ),
    # meeting
    "there is no such meeting": "会议不存在",
    "only members of the meeting may see this; join it first": "只有会议成员可以查看,请先加入会议",
    "only the host and moderators may do this": "只有主持人和协管员可以这样做",
    "only the host may do this": "只有主持人可以这样做",
    "the meeting's end_time has passed; create another meeting": (
        "会议的 end_time 已过,请另建会议"
    ),
    "the meeting has not started; start it first": "会议尚未开始,请先开始会议",
    "the meeting has not started; only the host may join now": (
        "会议尚未开始,目前只有主持人可以加入"
    ),
    "the meeting is active; end it first": "会议正在进行,请先结束会议",
    "there is a report once the meeting has ended": "会议结束后才有报告",
    "the report is not made yet; ask again in a moment": "报告尚未生成,请稍后重试",
    "the meeting {how}": "会议{how}",
    "was cancelled": "已取消",
    "has ended": "已结束",
    "you were removed from this meeting and may not come back": "您已被移出该会议,不能再加入",
    "the meeting's password is missing or wrong": "缺少会议密码或密码错误",
    "all {seats} seats are taken; try again when somebody has left": (
        "{seats} 个席位已满,请等有人离开后再试"
    ),
    "this user is in the list of participants already": "该用户已在参会者名单中",
    "the user service does not answer; try again shortly": "用户服务没有响应,请稍后重试",
    "this Idempotency-Key made another meeting; use a new key for a new one": (
        "该 Idempotency-Key 已创建了另一个会议,新会议请用新的键"
    ),
    "a request with this Idempotency-Key is running; ask again": (
        "使用该 Idempotency-Key 的请求仍在处理,请重试"
    ),
    # notification
    "there is no such notification": "通知不存在",
    "Welcome": "欢迎",
    "Your account is ready. Create a meeting, or join one that you were invited to.": (
        "您的账号已就绪。现在可以创建会议,或加入邀请您参加的会议。"
    ),
    "Login from a new place": "新地点登录",
    "Somebody logged in to your account from {ip_address}, a place that was not used before."
    " If that was not you, change your password.": (
        "有人从未使用过的地点 {ip_address} 登录了您的账号。如果不是您本人,请修改密码。"
    ),
    "must be 1 to 32 of a-z _": "须为 1 至 32 个小写字母或下划线",
    "must be later than start_time": "必须晚于 start_time",
    "must be text without control characters": "必须是不含控制字符的文本",
    "must lie in the years 1 to 9999": "必须在公元 1 至 9999 年之间",
}

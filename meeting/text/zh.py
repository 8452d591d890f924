"""Chinese: English template to Chinese template, in the order of the files that say them."""

ZH: dict[str, str] = {
    # kernel
    "{field}: {allowed}": "{field}:{allowed}",
    "the database does not answer": "数据库没有响应",
    "the database is gone": "数据库连接已断开",
    "the token is not one of ours; log in again": "令牌无效,请重新登录",
    "this token is not meant for that; log in again": "该令牌不能用于此操作,请重新登录",
    "the token is over; refresh it or log in again": "令牌已过期,请刷新令牌或重新登录",
    # http
    "there is no such route; GET /schema lists them": "没有这个接口;GET /schema 列出全部接口",
    "this route takes {allowed}": "该接口只接受 {allowed}",
}

// node ws as a relay: `bare` passes bytes on to who was named at the connect, without a look at them;
// `reads` parses each frame, finds its addressee in the room and writes the sender into it.
// Without an addressee a frame goes to all others of the room.
import { WebSocketServer } from "ws";

const TEXT = { binary: false };
const reads = process.argv[2] === "reads";
const rooms = new Map();

const server = new WebSocketServer({ host: "127.0.0.1", port: 0 }, () =>
  console.log(JSON.stringify({ port: server.address().port })),
);
server.on("connection", (socket, request) => {
  const query = new URL(request.url, "ws://localhost").searchParams;
  const [name, peer, partner] = ["room", "peer", "to"].map((each) => query.get(each));
  if (!rooms.has(name)) rooms.set(name, new Map());
  const room = rooms.get(name);
  room.set(peer, socket);
  socket.on("close", () => {
    room.delete(peer);
    if (room.size === 0) rooms.delete(name);
  });
  socket.on("message", (data) => {
    let text = data;
    let to = partner;
    if (reads) {
      const frame = JSON.parse(data);
      frame.from_peer_id = peer;
      to = frame.to_peer_id;
      text = JSON.stringify(frame);
    }
    if (to) {
      room.get(to)?.send(text, TEXT);
      return;
    }
    for (const [other, each] of room) if (other !== peer) each.send(text, TEXT);
  });
});

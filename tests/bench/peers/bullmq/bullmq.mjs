// BullMQ; the same command line as the others: url, number, mode.
// It has no time limit of a task; a lock that is renewed takes its place. Metrics are on.
import { Queue, Worker } from "bullmq";

const WARM = 20;
const [url, count, mode] = process.argv.slice(2);
const number = Number(count);
const width = mode === "batch" ? 32 : 1;
const { hostname, port } = new URL(url);
const connection = { host: hostname, port: Number(port), maxRetriesPerRequest: null };
const options = { removeOnComplete: true, attempts: 3 };

const queue = new Queue("nothing", { connection });
await queue.waitUntilReady();

async function put(n) {
  if (n === 1) return queue.add("nothing", {}, options);
  const job = { name: "nothing", data: {}, opts: options };
  return queue.addBulk(Array.from({ length: n }, () => job));
}

await put(WARM);
let begin = performance.now();
for (let left = number; left > 0; left -= width) await put(Math.min(width, left));
const enqueue = (number / (performance.now() - begin)) * 1000;

let handled = 0;
let work = 0;
await new Promise((resolve) => {
  const worker = new Worker(
    "nothing",
    async () => {
      handled += 1;
      if (handled === WARM) begin = performance.now();
      else if (handled === number + WARM) {
        work = (number / (performance.now() - begin)) * 1000;
        resolve();
      }
    },
    { connection, concurrency: width, metrics: { maxDataPoints: 60 } },
  );
  worker.on("error", (error) => {
    console.error(String(error));
    process.exit(1);
  });
});
console.log(JSON.stringify({ enqueue, work }));
process.exit(0);

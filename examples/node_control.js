// The control socket's own thread: it answers while the loop is blocked, and keeps the rules of docs/protocol.md.
"use strict";

const fs = require("node:fs");
const http = require("node:http");
const { parentPort, workerData } = require("node:worker_threads");

const ANSWER_WITHIN_MS = 2000;
const LEVER_WITHIN_MS = 1000;
const BODY_BYTES_MAX = 64 * 1024;
const REMEMBERED_KEYS = 1024;
const BEAT_MS = 50;
const LATE_NS = 20_000_000n;

/** Serve until the process ends; `loop` is the port to the gateway's own thread. */
function listen({ socket, board, fd, capabilities, shared, header }, loop) {
  const waiting = new Map(); // id -> what to call with the loop's reply
  const replies = new Map(); // idempotency key -> promise of the first reply
  let lastId = 0;
  loop.on("message", ({ id, reply }) => waiting.get(id)?.(reply));
  beat(fd, header);

  /** Take an action to the loop; one that is withdrawn before the loop takes it up never happens. */
  function toTheLoop(request) {
    const id = (lastId += 1);
    const ticket = new Int32Array(new SharedArrayBuffer(4)); // 0 waits, 1 was taken up, 2 is void
    const done = new Promise((resolve) => waiting.set(id, resolve)).finally(() => waiting.delete(id));
    const withdraw = () => Atomics.compareExchange(ticket, 0, 0, 2) !== 1 && (waiting.delete(id), true);
    loop.postMessage({ id, request, ticket });
    return { done, withdraw };
  }

  async function act(request) {
    const key = request.idempotency_key;
    if (!key) return answer("refused", "idempotency_key: not given");
    if (!replies.has(key)) replies.set(key, toTheLoop(request));
    const asked = replies.get(key);
    while (replies.size > REMEMBERED_KEYS) replies.delete(replies.keys().next().value);
    const reply = await Promise.race([asked.done, after(ANSWER_WITHIN_MS)]);
    if (reply !== undefined) return reply;
    if (asked.withdraw()) {
      replies.delete(key);
      return answer("timed_out", "loop: blocked; the action is void");
    }
    const late = await Promise.race([asked.done, after(LEVER_WITHIN_MS)]);
    return late ?? answer("timed_out", "loop: the lever has not returned");
  }

  const operations = {
    "GET /v1/info": () => {
      const [runs, draining] = [Atomics.load(shared, 0), Atomics.load(shared, 1) === 1];
      return [200, { protocol: 1, pid: process.pid, board, capabilities, draining, runs }];
    },
    "POST /v1/actions": async (asked) => {
      const length = Number(asked.headers["content-length"] ?? NaN);
      if (!(length <= BODY_BYTES_MAX)) return [413, { error: `give a Content-Length of at most ${BODY_BYTES_MAX}` }];
      const request = await body(asked);
      return request === undefined ? [400, { error: "the body is not a JSON object" }] : [200, await act(request)];
    },
  };

  const server = http.createServer({ requestTimeout: 5000, headersTimeout: 5000 }, async (asked, response) => {
    const wanted = `${asked.method} ${asked.url}`;
    const operation = operations[wanted] ?? (() => [404, { error: `there is no ${wanted}` }]);
    try {
      const [status, document] = await operation(asked);
      const data = Buffer.from(JSON.stringify(document));
      const head = { "Content-Type": "application/json", "Content-Length": data.length, Connection: "close" };
      response.writeHead(status, head).end(data);
    } catch {
      response.destroy(); // a caller that goes away in the middle is no error of the gateway's
    }
  });
  // Node does not tell who is at the other end: the mode has to do. Nobody meets the socket before it has that mode.
  const temporary = `${socket}.${process.pid}`;
  server.listen(temporary, () => {
    fs.chmodSync(temporary, 0o600);
    fs.renameSync(temporary, socket);
  });
}

const answer = (status, detail) => ({ status, detail, released: null });
const after = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function body(asked) {
  const parts = [];
  for await (const part of asked) parts.push(part);
  try {
    const document = JSON.parse(Buffer.concat(parts).toString("utf8"));
    return typeof document === "object" && document !== null && !Array.isArray(document) ? document : undefined;
  } catch {
    return undefined;
  }
}

/** Show that a second thread runs, and by how much it woke late: that tells a blocked loop from a stopped process. */
function beat(fd, { heartbeatAt, lateAt }) {
  const word = Buffer.alloc(8);
  const store = (at, value) => {
    word.writeBigInt64LE(value);
    try { fs.writeSync(fd, word, 0, 8, at); } catch { /* the agent sees that it stands still */ }
  };
  let late = 0n;
  let due = process.hrtime.bigint() + BigInt(BEAT_MS) * 1_000_000n;
  setInterval(() => {
    const at = process.hrtime.bigint();
    if (at - due > LATE_NS) store(lateAt, (late += at - due));
    due = at + BigInt(BEAT_MS) * 1_000_000n;
    store(heartbeatAt, at);
  }, BEAT_MS);
}

listen(workerData, parentPort);

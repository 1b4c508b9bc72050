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
      if (request === undefined) return [400, { error: "the body is not a JSON object" }];
      const problem = misfit(request);
      return problem === undefined ? [200, await act(request)] : [400, { error: problem }];
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

const answer = (status, detail) => ({ status, check: null, detail, released: null });
const after = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const text = (least, most) => (value) => typeof value === "string" && value.length >= least && value.length <= most;
const whole = (least) => (value) => Number.isInteger(value) && value >= least && value < 2 ** 63;
const MEMBERS = {
  kind: text(1, 256), idempotency_key: text(1, 256), session: text(0, 4096), session_id: text(0, 4096),
  generation: whole(0), run_id: text(0, 4096), handle: text(0, 4096), progress_ns: whole(0), cause: text(0, 4096),
  reason: text(0, 4096), traceparent: text(0, 4096), discards: whole(1),
  timeout_s: (value) => Number.isFinite(value) && value > 0 && value <= 3650 * 86400,
};

/** Return what is wrong with the members of a request; one that is not known may be a condition of whoever sent it. */
function misfit(request) {
  for (const name of ["kind", "idempotency_key"]) if (!Object.hasOwn(request, name)) return `${name}: not given`;
  for (const [name, value] of Object.entries(request)) {
    if (!Object.hasOwn(MEMBERS, name)) return `there is no member ${JSON.stringify(name).slice(0, 40)} here`;
    if (!MEMBERS[name](value)) return `${name}: not of its type, or out of bounds`;
  }
  return undefined;
}

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

// A small gateway in plain Node, watched by livewatch through examples/node_writer.js.
//
//   $ node examples/node_gateway.js 8001
//   $ livewatch run --board run/board --socket run/control.sock --mode abort
//   $ curl --data hello http://127.0.0.1:8001/sessions/KEY
//
// One lane per session, one turn at a time. The model is a stand-in: `hang` is never answered, `deaf` ignores its abort
// too, `orphan` ends without letting its lane go, `drip N` takes N tokens of 50 ms, `block FILE` reads a file without
// leaving the loop: a named pipe that nobody writes to blocks it.
"use strict";

const fs = require("node:fs");
const http = require("node:http");
const { Board, Session, objection, serve } = require("./node_writer.js");

const RUN_DIR = process.env.GATEWAY_RUN_DIR ?? "run";
const RUN_TIMEOUT_MS = 600_000;
const shared = new Int32Array(new SharedArrayBuffer(8)); // runs, and whether the gateway drains
const lanes = new Map();
let lastRun = 0;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function model(prompt, signal, token) {
  const [word, rest] = prompt.split(" ");
  if (word === "hang") await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  if (word === "deaf") await new Promise(() => {});
  if (word === "block") fs.readFileSync(rest);
  if (word !== "drip") return token(prompt);
  for (let i = 0; i < Number(rest); i += 1) {
    await sleep(50);
    token(`${i} `);
  }
}

/** The queue of one session. */
class Lane {
  constructor(board, key) {
    this.session = new Session(board, key);
    this.waiting = [];
    this.active = null;
  }

  put(text) {
    return new Promise((settle) => {
      this.waiting.push({ text, settle, came: process.hrtime.bigint(), controller: new AbortController() });
      this.next();
    });
  }

  next() {
    if (this.active === null && this.waiting.length > 0 && !shared[1]) this.serve((this.active = this.waiting.shift()));
    this.session.queued(this.waiting.length, this.waiting[0]?.came);
  }

  async serve(turn) {
    const { session } = this;
    turn.run = session.begin(`run-${(lastRun += 1)}`, RUN_TIMEOUT_MS);
    Atomics.add(shared, 0, 1);
    const timer = setTimeout(() => this.abort(turn, "timeout"), RUN_TIMEOUT_MS);
    let answer = "";
    try {
      session.activity("model_call", "echo-1");
      await model(turn.text, turn.controller.signal, (token) => {
        answer += token;
        if (session.run === turn.run) session.progress();
      });
      if (session.run === turn.run && turn.text !== "orphan") session.activityEnded();
    } catch (error) {
      answer = `error: ${error.message}`;
      if (session.run === turn.run) session.activityEnded();
    }
    clearTimeout(timer);
    turn.settle(answer.trim());
    if (turn.text === "orphan") this.unregister(turn); // the bug: nobody lets the lane go on
    else this.free(turn, "");
  }

  abort(turn, why) {
    if (this.session.run === turn.run) this.session.abortRequested();
    turn.controller.abort(new Error(`aborted, ${why}`));
  }

  unregister(turn) {
    if (this.session.run === turn.run) Atomics.sub(shared, 0, 1);
    this.session.end(turn.run);
  }

  /** Let the lane go on after this turn; the late end of a cleared one changes nothing. */
  free(turn, answer) {
    turn.settle(answer);
    if (this.active !== turn) return;
    this.unregister(turn);
    this.active = null;
    this.next();
  }
}

const levers = {
  abort_run(lane, { cause }) {
    lane.abort(lane.active, cause);
    return null;
  },
  force_clear(lane, { cause }) {
    lane.session.clearActivity();
    lane.free(lane.active, `error: cleared, ${cause}`);
    return 1;
  },
  release_lane(lane) {
    if (lane.session.run !== null) return undefined;
    lane.session.clearActivity();
    lane.active = null;
    lane.next();
    return 1;
  },
};

/** Check what was judged and pull the lever, in one step of the loop. */
function act(request) {
  if (request.kind === "drain") return drain(request.timeout_s ?? 30);
  if (!Object.hasOwn(levers, request.kind)) return { status: "unsupported", detail: `unsupported: ${request.kind}` };
  const lane = [...lanes.values()].find(({ session }) => session.key === request.session);
  const problem = objection(lane?.session, request);
  if (problem !== undefined) return problem;
  const released = levers[request.kind](lane, request);
  return released === undefined ? { status: "refused", check: "owner", detail: "owner: a run is alive" } : { status: "done", released };
}

function drain(seconds) {
  Atomics.store(shared, 1, 1);
  board.draining();
  const ends = Date.now() + seconds * 1000;
  const look = () => (shared[0] === 0 || Date.now() > ends ? end() : setTimeout(look, 50));
  setTimeout(look, 50);
  return { status: "done", detail: "the gateway drains" };
}

function end() {
  board.close();
  fs.rmSync(`${RUN_DIR}/control.sock`, { force: true });
  process.exit(0);
}

const board = new Board(`${RUN_DIR}/board`);
board.start();
serve(`${RUN_DIR}/control.sock`, board, [...Object.keys(levers), "drain"], shared, act);
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, end);

const server = http.createServer(async (asked, response) => {
  try {
    const parts = [];
    for await (const part of asked) parts.push(part);
    const key = decodeURIComponent(asked.url.replace("/sessions/", ""));
    if (!lanes.has(key)) lanes.set(key, new Lane(board, key));
    response.end(await lanes.get(key).put(Buffer.concat(parts).toString("utf8")));
  } catch {
    response.destroy(); // a caller that goes away in the middle
  }
});
server.listen(Number(process.argv[2] ?? 8001), "127.0.0.1", () => {
  board.ready();
  console.log(server.address().port);
});

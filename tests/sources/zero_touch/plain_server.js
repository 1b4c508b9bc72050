// A plain Node HTTP server that knows nothing of livewatch; a path makes it behave badly.
"use strict";
const http = require("node:http");
const { execSync } = require("node:child_process");

const server = http.createServer((request, response) => {
  response.end();
  if (request.url === "/busy") setInterval(() => {}, 10);
  if (request.url === "/compute") setImmediate(() => { for (;;); });
  if (request.url === "/sleep") setImmediate(() => execSync("sleep 3600"));
});
// No address, as most programs do it: Node then listens on "::".
server.listen(0, () => console.log(server.address().port));

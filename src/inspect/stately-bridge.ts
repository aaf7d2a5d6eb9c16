import { createHash } from "node:crypto";
import { NotFoundError } from "../domain/errors.ts";

const PATH = "/inspect/stately.html";
const INSPECTOR = "https://stately.ai";

/** In the shape in which the HTTP server takes it. */
export interface BridgePage {
  readonly path: string;
  handle(): {
    readonly status: number;
    readonly body: string;
    readonly headers: Readonly<Record<string, string>>;
  };
}

/**
 * The page that passes on what the actors do to the inspector that Stately hosts. Nothing is loaded
 * from there, nor sent, before a person has asked for it. Answers 404 where it is switched off.
 */
export function bridgePage(isOn: boolean): BridgePage {
  return {
    path: PATH,
    handle: () => {
      if (isOn) return { status: 200, body: PAGE, headers: HEADERS };
      throw new NotFoundError(
        "the bridge to the inspector that Stately hosts is off, since it sends the contexts and events " +
          "of all actors to a third party; BATUTA_INSPECT_STATELY_BRIDGE=true switches it on",
      );
    },
  };
}

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; height: 100vh; display: flex; flex-direction: column; }
header { padding: 0.5rem 1rem; border-bottom: 1px solid; }
p { margin: 0.25rem 0; }
iframe { flex: 1; border: 0; }
`;

// The socket is opened when the inspector says that it is there: what is sent before would have to be
// kept, and a new connection brings all actors anyway.
const SCRIPT = `
const inspector = "${INSPECTOR}";
const note = document.getElementById("note");
const start = document.getElementById("start");
let frame, socket, retry, waitMs = 1000;

function connect() {
  clearTimeout(retry);
  if (socket) { socket.onclose = null; socket.close(); }
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(scheme + "//" + location.host + "/inspect/stately");
  socket.onopen = () => { waitMs = 1000; note.textContent = "Connected."; };
  socket.onmessage = ({ data }) => frame.contentWindow.postMessage(JSON.parse(data), inspector);
  socket.onclose = () => {
    note.textContent = "Not connected to the orchestrator; trying again in " + waitMs / 1000 + " s.";
    retry = setTimeout(connect, waitMs);
    waitMs = Math.min(waitMs * 2, 30000);
  };
}

addEventListener("message", ({ origin, source, data }) => {
  if (!frame || origin !== inspector || source !== frame.contentWindow) return;
  if (data && data.type === "@statelyai.connected") connect();
});

start.addEventListener("click", () => {
  start.remove();
  note.textContent = "Waiting for the inspector.";
  frame = document.createElement("iframe");
  frame.title = "Stately Inspector";
  frame.src = inspector + "/inspect";
  document.body.append(frame);
});
`;

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Batuta in the Stately Inspector</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<p><strong>Data leaves your network.</strong> This page shows the actors in the inspector that Stately hosts
at ${INSPECTOR}: their names, contexts and events go to that third party. <a href="/inspect">/inspect</a> keeps them here.</p>
<p><button id="start" type="button">Send them to ${INSPECTOR}</button> <span id="note" role="status"></span></p>
</header>
<script>${SCRIPT}</script>
</body>
</html>
`;

const HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": [
    "default-src 'none'",
    `script-src ${sourceOf(SCRIPT)}`,
    `style-src ${sourceOf(STYLE)}`,
    "connect-src 'self'",
    `frame-src ${INSPECTOR}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; "),
};

function sourceOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

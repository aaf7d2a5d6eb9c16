import { render } from "preact";
import { App } from "./app.tsx";
import { Live } from "./live.ts";
import { Model } from "./model.ts";

const model = new Model();
const live = new Live(model);
const root = document.getElementById("app");
if (root !== null) {
  root.textContent = "";
  render(<App model={model} live={live} />, root);
}
live.connect();

import type { Problem } from "../domain/errors.ts";
import { pointerTo } from "../domain/flow-pointer.ts";

const SECRET_KEYS = new Set([
  "password",
  "passwd",
  "secret",
  "token",
  "accesstoken",
  "authtoken",
  "refreshtoken",
  "apikey",
  "xapikey",
  "apisecret",
  "clientsecret",
  "privatekey",
  "authorization",
  "proxyauthorization",
]);
const MAX_DEPTH = 100;
const USERINFO = /^[a-z][a-z0-9+.-]{0,30}:\/\/[^/?#@\s]{1,200}:[^/?#@\s{]{1,200}@/i;

/**
 * Literal secrets in a config: a text under a key such as `password`, `apiKey` or `Authorization`,
 * and a password in a URL. A flow travels and is stored in the clear. Templates are no literals.
 */
export function checkSecrets(config: unknown, pointer: string, depth = 0): Problem[] {
  if (typeof config === "string") return USERINFO.test(config) ? [problem(pointer)] : [];
  if (typeof config !== "object" || config === null || depth > MAX_DEPTH) return [];
  return Object.entries(config).flatMap(([key, value]) => {
    const at = pointerTo(pointer, key);
    return isSecret(key, value) ? [problem(at)] : checkSecrets(value, at, depth + 1);
  });
}

function isSecret(key: string, value: unknown): boolean {
  if (typeof value !== "string" || value === "" || value.includes("{{")) return false;
  return SECRET_KEYS.has(key.toLowerCase().replaceAll(/[-_ ]/g, ""));
}

function problem(pointer: string): Problem {
  return {
    code: "E_SECRET_INLINE",
    pointer,
    detail: "a secret stands in the flow as plain text",
    hint: "pass it as an input of the execution, or let the node read it on the worker",
  };
}

/** An address of a broker for logs and actors: where it is, and no login. */
export function withoutLogin(url: string): string {
  try {
    const { protocol, host, pathname } = new URL(url);
    return `${protocol}//${host}${pathname}`;
  } catch {
    return "(unreadable address)";
  }
}

/** Where the orchestrator wants a token. The answer sets a cookie that no script can read, and leads back here. */
export function Login() {
  return (
    <main class="login">
      <form method="post" action="/inspect/session">
        <h1>Batuta actors</h1>
        <p>This orchestrator serves those who know its token (BATUTA_HTTP_TOKEN).</p>
        <label>
          Token
          <input type="password" name="token" autocomplete="current-password" required />
        </label>
        <button type="submit">Look</button>
      </form>
    </main>
  );
}

import { NAME_LIMIT } from '../../../sync/resolution';
import { html } from '../html';
import { ROOT, type Page } from '../layout';

/** @param next the page to open after the log-in */
export function loginPage(next: string, problem: string | null): Page {
  const body = html`
    ${problem !== null && html`<p class="notice bad" role="alert">${problem}</p>`}
    <form method="post" action="${ROOT}/login">
      <input type="hidden" name="next" value="${next}" />
      <p>
        <label for="token">Token (of <code>secrets/console-token</code>, or the setting CONSOLE_TOKEN)</label>
        <input id="token" name="token" type="password" autocomplete="current-password" required />
      </p>
      <p>
        <label for="name">Your name, for the history of your decisions</label>
        <input id="name" name="name" autocomplete="name" maxlength="${NAME_LIMIT}" required />
      </p>
      <p><button>Log in</button></p>
    </form>
  `;
  return { title: 'Log in', body };
}

export function messagePage(
  title: string,
  message: string,
  back: { url: string; name: string } | null,
): Page {
  const body = html`<p class="notice bad" role="alert">${message}</p>
    ${back && html`<p><a href="${back.url}">${back.name}</a></p>`}`;
  return { title, body };
}

// Each expression takes time that grows with the text's length alone, whatever it holds: a node may print a megabyte without a space.

/** Values of parameters that are secrets; some cameras have them in the path, as in `/user=admin_password=…_channel=1`. */
const secretValue = /(?<=(?:token|key|pas|psw|pwd|auth|secret|sig)\w*=)[^&\s'"]+/gi;

const word = /[^\s'"]+/g;

/** The `://` behind a scheme. The `\\*` is for what ffmpeg escapes. */
const schemeEnd = /(?<=[a-z][a-z0-9+.-]*\\*):\/\//i;

/** A name and a password before a host where the scheme was forgotten or cut off. */
const bareUserInfo = /(^|[\s'"/])[^\s'"/:@]+:[^\s'"/]+@(?=\S)/g;

/**
 * Text without the credentials of the urls in it.
 *
 * @example
 * ```ts
 * redact('no answer from rtsp://user:secret@10.0.0.7/stream1') // 'no answer from rtsp://***@10.0.0.7/stream1'
 * ```
 */
export function redact(text: string): string {
  return text.replace(word, withoutUserInfo).replace(bareUserInfo, '$1***@').replace(secretValue, '***');
}

/** Leaves out everything between `scheme://` and the last `@`; an unescaped `/` or `@` in a password is caught too. */
function withoutUserInfo(text: string): string {
  const end = text.lastIndexOf('@');
  const begin = end < 0 ? -1 : text.search(schemeEnd);
  return begin < 0 || begin + 3 > end ? text : `${text.slice(0, begin + 3)}***${text.slice(end)}`;
}

/**
 * A whole url without its credentials, whatever signs there are in them.
 *
 * @example
 * ```ts
 * redactUrl('rtsp://user:pass word@10.0.0.7/stream1') // 'rtsp://***@10.0.0.7/stream1'
 * ```
 */
export function redactUrl(url: string): string {
  return redact(url.replace(/^([a-z][a-z0-9+.-]*:\/\/).*@/is, '$1***@'));
}

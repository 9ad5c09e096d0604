/** Parameters whose values are secrets; some cameras have them in the path, as in `/user=admin_password=…_channel=1`. */
const secretParameter = /((?:token|key|pas|psw|pwd|auth|secret|sig)\w*=)[^&\s'"]+/gi;

/** Everything between `scheme://` and the last `@` of a word; an unescaped `/` or `@` in a password is caught too. */
const userInfo = /([a-z][a-z0-9+.-]*\\*:\/\/)[^\s'"]*@/gi;

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
  return text.replace(userInfo, '$1***@').replace(bareUserInfo, '$1***@').replace(secretParameter, '$1***');
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

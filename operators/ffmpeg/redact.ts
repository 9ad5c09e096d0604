/** Query parameters whose values are secrets. */
const secretParameter = /([?&][^=&\s]*(?:token|key|pass|pwd|auth|secret|sig)[^=&\s]*=)[^&\s'"]+/gi;

/** Everything between `scheme://` and the last `@` of a word; an unescaped `/` or `@` in a password is caught too. */
const userInfo = /([a-z][a-z0-9+.-]*:\/\/)[^\s'"]*@/gi;

/** Text without the credentials of the urls in it. */
export function redact(text: string): string {
  return text.replace(userInfo, '$1***@').replace(secretParameter, '$1***');
}

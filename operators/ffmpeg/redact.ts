/** Parameters whose values are secrets; some cameras have them in the path, as in `/user=admin_password=…_channel=1`. */
const secretParameter = /((?:token|key|pass|pwd|auth|secret|sig)\w*=)[^&\s'"]+/gi;

/** Everything between `scheme://` and the last `@` of a word; an unescaped `/` or `@` in a password is caught too. */
const userInfo = /([a-z][a-z0-9+.-]*:\/\/)[^\s'"]*@/gi;

/** Text without the credentials of the urls in it. */
export function redact(text: string): string {
  return text.replace(userInfo, '$1***@').replace(secretParameter, '$1***');
}

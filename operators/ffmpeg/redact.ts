export { redact, redactUrl } from 'edgeflow';

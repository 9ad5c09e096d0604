import { topicUndeclared } from '../options.js';
import type { StoredLog } from './storedLog.js';

/** @throws EdgeFlowError `TOPIC_UNDECLARED` */
export function withTopic(log: StoredLog | undefined, topic: string): StoredLog {
  if (!log) throw topicUndeclared(topic, 'declaration');
  return log;
}

/** @throws EdgeFlowError `TOPIC_UNDECLARED` */
export function withGroup(log: StoredLog | undefined, topic: string, group: string): StoredLog {
  if (!withTopic(log, topic).hasGroup(group)) throw topicUndeclared(topic, `group '${group}'`);
  return withTopic(log, topic);
}

/** @throws EdgeFlowError `TOPIC_UNDECLARED` */
export function withReader(log: StoredLog | undefined, topic: string, reader: string): StoredLog {
  if (!withTopic(log, topic).hasReader(reader)) throw topicUndeclared(topic, `reader '${reader}'`);
  return withTopic(log, topic);
}

import type { Broker, Publication } from '../brokers/broker.js';
import { commitQueueOf } from './commitQueue.js';
import type { Settlement } from './delivery.js';
import { PendingCommit } from './pendingCommit.js';

/** A delivery, as its bond sees it. */
export interface BondMember {
  bond: Bond | undefined;
  /** Set when a branch of it failed. */
  readonly failed: { readonly error: unknown } | undefined;
  /** Tells its source. */
  conclude(settlement: Settlement): void;
}

/**
 * Deliveries that settle together, with what is published then: all of it in one step or, when one of them failed, none.
 *
 * Mostly a bond has one member. A message that answers several deliveries, such as a batch, makes one bond of theirs.
 */
export class Bond {
  readonly broker: Broker;
  readonly members: BondMember[] = [];
  readonly outputs: Publication[] = [];
  /** Members that are still worked on. */
  open = 0;

  private constructor(broker: Broker) {
    this.broker = broker;
  }

  /** The one bond of these deliveries, which are being worked on; made or merged where there was none or several. */
  static of(members: readonly BondMember[], broker: Broker): Bond {
    const bond = members.find((member) => member.bond)?.bond ?? new Bond(broker);
    for (const member of members) bond.join(member);
    return bond;
  }

  join(member: BondMember): void {
    const { bond } = member;
    if (bond === this) return;
    const joining = bond?.members ?? [member];
    for (const each of joining) each.bond = this;
    this.members.push(...joining);
    this.outputs.push(...(bond?.outputs ?? []));
    this.open += bond?.open ?? 1;
  }

  /**
   * A member's last lease is gone.
   *
   * @returns whether all were settled by that; if not, the member waits for the others.
   */
  memberDone(): boolean {
    if (--this.open > 0) return false;
    const failed = this.members.find((member) => member.failed)?.failed;
    const commit = new PendingCommit(this.broker, this.outputs);
    for (const member of this.members) member.conclude(failed ? { failed } : { commit });
    if (!failed) commitQueueOf(this.broker).add(commit);
    return true;
  }
}

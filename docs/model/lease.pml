/* Leases in discrete time: two gateways, PostgreSQL's clock, and clocks that do not run equally fast.

   Time is counted down, never up, so that the states are finitely many. LEASE, margins and drift are in ticks. The moves
   of the lock are unlimited; PostgreSQL may lose its newest commits, with or without the newest raise, at any time.
     E1  no two gateways are at work at one instant, and no guarded write of a former holder is accepted
     E2  nobody waits longer than LEASE + SERVER_MARGIN for its first lease
     MUTANT=n  safeguard n is removed     LIMIT=n  an assumption is taken away */

#ifndef MUTANT
#define MUTANT 0
#endif
#ifndef LIMIT
#define LIMIT 0
#endif
#ifndef LEASE
#define LEASE 3
#endif
#ifndef SERVER_MARGIN
#define SERVER_MARGIN 1
#endif
#ifndef GATEWAY_MARGIN
#define GATEWAY_MARGIN 1
#endif
#ifndef DRIFT
#define DRIFT 2         /* ticks by which a gateway's clock may fall behind while it counts one lease down */
#endif

#if MUTANT == 57 /* the gateway keeps no margin of its own */
#define COUNTED LEASE
#else
#define COUNTED (LEASE - GATEWAY_MARGIN)
#endif

/* PostgreSQL. Durations left on its clock. */
byte m_holder = 0;
bool has_lease = false; /* lease_until is not null */
byte over = 0;          /* has_lease: lease_until + margin is still this far away; the lease itself SERVER_MARGIN less */
byte not_before = 0;
bool validated = true;  /* the timeline */

byte waited = 0;        /* ghost: for how long the fence has kept its holder waiting since it was raised or confirmed */

byte a_holder = 0;      /* the authority's holder */

/* Gateways: two requests each, the newest and an older one still on its way. */
#define NONE 0
#define SENT 1
#define EXTENDED 2      /* handled with a yes; the answer is on its way */
byte newest[2];
byte older[2];
byte since_sent[2];     /* what a yes to the newest request is worth now */
byte request_drift[2];  /* how far the clock may still fall behind, counted from that request */
byte lease[2];          /* what the gateway believes it has left */
byte lease_drift[2];
bool checked[2];        /* may_act said yes; the effect has not reached PostgreSQL yet, the process may be stopped */

#define at_work(g) (lease[g] > 0)
#define lease_left (has_lease && over > SERVER_MARGIN)
#define larger(x, y) ((x) > (y) -> (x) : (y))
#define E2 assert(waited + not_before <= LEASE + SERVER_MARGIN)
#define E1 assert(!(at_work(0) && at_work(1)))

/* sync_mirror: raises the fence, or confirms it on a new timeline. */
inline sync_mirror() {
  if
  :: m_holder != a_holder ->
     m_holder = a_holder;
     printf("> fence raised for gateway %d\n", m_holder);
#if MUTANT == 50 /* margin dropped when the lease looks over */
     not_before = larger(not_before, (lease_left -> over : 0));
#elif MUTANT == 51 /* a second hand-over forgets the wait of the first */
     not_before = (has_lease -> over : 0);
#elif MUTANT == 58 /* no margin of the server */
     not_before = larger(not_before, (lease_left -> over - SERVER_MARGIN : 0));
#else
     not_before = larger(not_before, (has_lease -> over : 0));
#endif
     has_lease = false;
     over = 0;
     waited = 0
  :: m_holder == a_holder -> skip
  fi;
  if
#if MUTANT != 59 /* a new timeline is believed at once */
  :: !validated -> not_before = larger(not_before, LEASE + SERVER_MARGIN); validated = true; waited = 0
#else
  :: !validated -> validated = true
#endif
  :: validated -> skip
  fi;
  E2
}

#if MUTANT == 52 /* not_before ignored */
#define may_extend(g) (m_holder == g && validated)
#else
#define may_extend(g) (m_holder == g && validated && not_before == 0)
#endif

/* extend_lease: lease_until = greatest(lease_until, now + L). `over` never gets shorter by it. */
inline extend_lease(g) {
  printf("> gateway %d: its lease is extended in PostgreSQL\n", g);
  has_lease = true;
  over = LEASE + SERVER_MARGIN
}

/* One tick. Gateway 0 or 1 may miss it on its own clock, each within its drift. */
inline counted_down(g) {
#if MUTANT != 54 /* the gateway does not fence itself: it stops when told, not when its lease ends */
  lease[g] = larger(lease[g], 1) - 1;
#endif
  since_sent[g] = larger(since_sent[g], 1) - 1;
  if
  :: lease[g] == 0 -> lease_drift[g] = 0
  :: lease[g] > 0 -> skip
  fi;
  if
  :: since_sent[g] == 0 -> request_drift[g] = 0; newest[g] = NONE /* its answer is worth nothing any more */
  :: since_sent[g] > 0 -> skip
  fi
}

#define may_miss(g) ((lease[g] > 0 || since_sent[g] > 0) \
  && (lease[g] == 0 || lease_drift[g] > 0) && (since_sent[g] == 0 || request_drift[g] > 0))

inline missed(g) {
  lease_drift[g] = larger(lease_drift[g], 1) - 1;
  request_drift[g] = larger(request_drift[g], 1) - 1
}

inline server_ticked() {
  if
  :: over == 1 -> over = 0
  :: over > 1 -> over--
  :: over == 0 -> skip
  fi;
  waited = (not_before > 0 -> waited + 1 : 0);
  not_before = larger(not_before, 1) - 1
}

proctype clock() {
  do
  :: d_step { server_ticked(); counted_down(0); counted_down(1); printf("> tick\n"); E1 }
  :: d_step { may_miss(0) -> server_ticked(); missed(0); counted_down(1); printf("> tick; gateway 0's clock falls behind\n"); E1 }
  :: d_step { may_miss(1) -> server_ticked(); counted_down(0); missed(1); printf("> tick; gateway 1's clock falls behind\n"); E1 }
  :: d_step { may_miss(0) && may_miss(1) -> server_ticked(); missed(0); missed(1); printf("> tick; both gateways' clocks fall behind\n"); E1 }
#if LIMIT == 3 /* PostgreSQL's clock leaps forward */
  :: d_step { over > 0 || not_before > 0 -> over = 0; not_before = 0; waited = 0; printf("> PostgreSQL's clock leaps forward\n") }
#endif
  od
}

proctype control_plane() {
  do
  :: d_step { a_holder == m_holder -> a_holder = 1 - a_holder; printf("> the lock moves to gateway %d\n", a_holder) } /* move_lock */
  :: d_step { a_holder != m_holder || !validated -> sync_mirror() }
#if MUTANT == 61 /* every sync starts the wait anew */
  :: d_step { validated && a_holder == m_holder && not_before > 0 -> not_before = LEASE + SERVER_MARGIN;
       printf("> sync: the wait starts anew\n"); E2 }
#endif
  :: d_step { validated && (has_lease || not_before > 0) -> /* PostgreSQL fails over: the lease, not_before and the raise are lost */
       validated = false; has_lease = false; over = 0; not_before = 0; waited = 0;
       printf("> PostgreSQL fails over: leases and waits are lost\n") }
  :: d_step { validated && a_holder == m_holder -> validated = false; m_holder = 1 - m_holder;
       has_lease = false; over = 0; not_before = 0; waited = 0;
       printf("> PostgreSQL fails over: the newest raise is lost too\n") }
  od
}

proctype gateway(byte g) {
  do
  /* A heartbeat leaves: what its answer is worth counts down from now. One before it may still be on its way. */
  :: d_step { true ->
       if
       :: newest[g] != NONE -> older[g] = newest[g]
       :: newest[g] == NONE -> skip
       fi;
       newest[g] = SENT; since_sent[g] = COUNTED; request_drift[g] = DRIFT;
       printf("> gateway %d: sends a heartbeat\n", g) }
  /* The control plane handles it: in one transaction, before the answer leaves. Authority read or mirror-only mode. */
#if MUTANT == 55 /* lease recorded after the answer left */
  :: d_step { newest[g] == SENT && may_extend(g) -> newest[g] = EXTENDED }
  :: d_step { newest[g] == EXTENDED && m_holder == g -> extend_lease(g) }
#else
  :: d_step { newest[g] == SENT && may_extend(g) -> extend_lease(g); newest[g] = EXTENDED }
#endif
  :: d_step { older[g] == SENT && may_extend(g) -> extend_lease(g); older[g] = EXTENDED }
  :: d_step { older[g] != NONE -> older[g] = NONE } /* lost, or answered too late: ignored */
  /* The answer arrives. */
#if MUTANT == 53 /* lease counted from the answer */
  :: d_step { newest[g] == EXTENDED -> lease[g] = COUNTED; lease_drift[g] = DRIFT;
#else
  :: d_step { newest[g] == EXTENDED -> lease[g] = since_sent[g]; lease_drift[g] = request_drift[g];
#endif
       newest[g] = NONE; since_sent[g] = 0; request_drift[g] = 0;
       printf("> gateway %d: hears that it has a lease, %d ticks are left\n", g, lease[g]); E1 }
#if MUTANT == 56 /* a late answer credited to the newest request */
  :: d_step { older[g] == EXTENDED && newest[g] != NONE ->
       older[g] = NONE; lease[g] = since_sent[g]; lease_drift[g] = request_drift[g];
       printf("> gateway %d: takes a late answer for that to its newest heartbeat\n", g); E1 }
#endif
  /* An effect: checked, then the process may be stopped for any time, then the write reaches PostgreSQL. */
  :: d_step { at_work(g) && !checked[g] -> checked[g] = true; printf("> gateway %d: checks its lease, and is stopped\n", g) }
#if MUTANT == 60 /* the effect is not guarded: a process that was stopped beyond its lease writes */
  :: d_step { checked[g] -> checked[g] = false; printf("> gateway %d: wakes up and writes\n", g); assert(!at_work(1 - g)) }
#else
  :: d_step { checked[g] && m_holder == g && validated && not_before == 0 && lease_left ->
       checked[g] = false; assert(!at_work(1 - g)) }
  :: d_step { checked[g] && !(m_holder == g && validated && not_before == 0 && lease_left) -> checked[g] = false }
#endif
  od
}

init {
  atomic { run clock(); run control_plane(); run gateway(0); run gateway(1) }
}

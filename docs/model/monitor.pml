/* Part of failover.pml: writes that land in the Table, and the health monitor. */

#if MUTANT == 1 /* no ETag on the write */
#define may_land(i) (r_token[i] && !g_moved[i])
#else
#define may_land(i) (r_token[i] && etag_holds[i])
#endif

inline land(i) {
  PROPERTY(8, !NOT_RESTORED || !g_refused[i]);
  PROPERTY(9, !NOT_RESTORED || etag_holds[i + 6]);
  PROPERTY(10, !(kind_of[i] == FAILOVER && a_holder == P) || (a_mark && g_judged == a_token));
  grant(target(kind_of[i]), r_token[i], i);
#if MUTANT == 5 /* lock deleted on deactivate: numbering restarts */
  if
  :: kind_of[i] == DEACTIVATE -> a_token = 0; m_token = 0; m_holder = NOBODY; m_active = NOBODY
  :: kind_of[i] != DEACTIVATE -> skip
  fi;
#endif
  g_moved[i] = true;
#if MUTANT != 1 && MUTANT != 7
  r_token[i] = 0
#endif
}

/* The Table: what was sent lands at any time, as often as it was sent, while its precondition holds. */
proctype table_store() {
  do
  :: d_step { may_land(1) -> land(1) }
  :: d_step { may_land(2) -> land(2) }
  od
}

/* What a monitor has read is the present lock as long as its ETag holds: only mutants need a copy of it. */
#if MUTANT == 10 || MUTANT == 26
#define seen seen_token
#define judged_token seen_token
#define judged_holder seen_holder
#else
#define seen etag_holds[me]
#define judged_token a_token
#define judged_holder a_holder
#endif
#define has_recovered (etag_holds[me] && recoveries < RECOVERIES && a_mark && a_operation == 0)
#if MUTANT == 26 /* a recovered gateway let back in without the ETag */
#define may_let_back_in (seen && recoveries < RECOVERIES)
#elif MUTANT == 27 /* a recovered gateway let back in without a look at the mirror */
#define may_let_back_in has_recovered
#else
#define may_let_back_in (has_recovered && m_token <= judged_token)
#endif
#if MUTANT == 10 /* verdict not bound to the token it judged */
#define may_mark (seen && a_holder == seen_holder && !a_mark)
#else
#define may_mark (etag_holds[me] && !a_mark)
#endif

/* watch_health: reads lock and heartbeats, and may have seen anything; its writes are conditional on what it read. */
proctype monitor(byte me) {
  byte seen_token, seen_holder, token;
  do
  :: d_step { !seen && a_holder != NOBODY && (!a_mark || (a_operation == 0 && recoveries < RECOVERIES)) ->
#if MUTANT == 10 || MUTANT == 26
       seen_token = a_token; seen_holder = a_holder;
#endif
       read_etag(me) }
  :: d_step { may_mark -> /* _mark_failed */
       a_mark = true;
       g_judged = judged_token;
       printf("> monitor: holder %d marked failed, seen silent under token %d\n", a_holder, g_judged);
       a_own = false;
       wrote_lock();
       seen_token = 0; seen_holder = 0 }
  :: d_step { may_let_back_in -> /* _let_back_in */
       PROPERTY(12, m_token <= judged_token || MUTANT == 26);
       mint(token, judged_token, m_token);
       grant(judged_holder, token, MONITOR);
       recoveries++;
       token = 0; seen_token = 0; seen_holder = 0 }
  od
}

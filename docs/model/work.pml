/* Part of failover.pml: the reconciler, and gateways that claim and complete the task. */

/* The reconciler, and every heartbeat or claim that finds the mirror behind. */
proctype reconciler() {
  do
#if MUTANT != 17 /* no read-repair */
  :: d_step { no_open_transaction && sync_would_change -> sync_mirror() }
#endif
#if MUTANT != 25 /* registered operations that nobody started are not picked up */
#if defined(LIVE) && !defined(FOREVER)
  :: d_step { dead[1] && a_operation == 1 -> dead[1] = false }
  :: d_step { dead[2] && a_operation == 2 -> dead[2] = false }
#endif
#endif
  :: false
  od
}

/* decide_guard for a caller that presents the mirror's token; every other token is refused and changes nothing. */
#define knows_its_token(g) (m_holder == g && g_granted_to[m_token] == g)
#define guard_by_authority(g) \
  (knows_its_token(g) && a_token == m_token && a_holder == m_holder && m_timeline == timeline && !a_mark)
#if MUTANT == 23 /* mirror-only mode on a timeline nobody validated */
#define guard_by_mirror(g) knows_its_token(g)
#else
#define guard_by_mirror(g) (knows_its_token(g) && m_timeline == timeline)
#endif
#ifdef TABLEDOWN
#define guard(g) (guard_by_authority(g) || guard_by_mirror(g))
#else
#define guard(g) guard_by_authority(g)
#endif

inline committed(g, token) {
  PROPERTY(2, g_granted_to[token] == g);
  PROPERTY(3, token >= g_committed);
  PROPERTY(6, token >= g_acknowledged);
  g_committed = larger(g_committed, token)
}

inline commit_claim(g) {
  printf("> gateway %d: claim commits under token %d\n", g, tx_token[g]);
  committed(g, tx_token[g]);
  t_status = RUNNING;
  t_token = tx_token[g];
  t_attempt++;
  tx[g] = IDLE; tx_token[g] = 0
}

inline commit_report(g) {
  printf("> gateway %d: completion of attempt %d commits under token %d (on the task: attempt %d, token %d)\n", g, tx_attempt[g], tx_token[g], t_attempt, t_token);
  PROPERTY(4, t_status == RUNNING && t_token == tx_token[g] && t_attempt == tx_attempt[g]
              && g_granted_to[t_token] == g);
  committed(g, tx_token[g]);
  t_status = ENDED; t_token = 0; t_attempt = 0;
  tx[g] = IDLE; tx_token[g] = 0; tx_attempt[g] = 0
}

/* Gateway g. A request may be of any age: what counts is the token and the attempt it carries. */
proctype gateway(byte g) {
#ifdef LIVE
  do
  :: d_step { guard(g) && t_status == PENDING && t_attempt < ATTEMPTS ->
       tx_token[g] = m_token; commit_claim(g) }
  :: d_step { guard(g) && t_status == RUNNING && t_token == m_token ->
       tx_token[g] = m_token; tx_attempt[g] = t_attempt; commit_report(g) }
  od
#else
#if MUTANT == 22
  byte early;
#endif
  do
  :: d_step { tx[g] == IDLE && guard(g) && t_status == PENDING && t_attempt < ATTEMPTS -> /* claim */
       tx[g] = CLAIM; tx_token[g] = m_token;
       printf("> gateway %d: claim begins under token %d\n", g, m_token) }
#if MUTANT == 15 /* attempt not compared */
  :: d_step { tx[g] == IDLE && guard(g) && t_status == RUNNING && t_token == m_token && t_attempt > 1 ->
       tx[g] = REPORT; tx_token[g] = m_token; tx_attempt[g] = t_attempt - 1 }
#endif
#if MUTANT == 18 /* fence not checked on completion */
  :: d_step { tx[g] == IDLE && t_status == RUNNING && g_granted_to[t_token] == g ->
       tx[g] = REPORT; tx_token[g] = t_token; tx_attempt[g] = t_attempt }
#endif
#if MUTANT == 21 /* completion not compared with the claim on the task */
  :: d_step { tx[g] == IDLE && guard(g) && t_status == RUNNING ->
       tx[g] = REPORT; tx_token[g] = m_token; tx_attempt[g] = 1 }
#endif
#if MUTANT == 22 /* authority read before the transaction */
  :: d_step { early == 0 && a_holder == g && !a_mark -> early = a_token }
  :: d_step { (early != 0 && tx[g] == IDLE && no_open_transaction && early == m_token && knows_its_token(g)
               && t_status == PENDING && t_attempt < ATTEMPTS) ->
       m_timeline = timeline; tx[g] = CLAIM; tx_token[g] = m_token; early = 0;
       printf("> gateway %d: claim begins under token %d, the authority having been read before\n", g, m_token) }
#endif
  :: d_step { tx[g] == IDLE && guard(g) && t_status == RUNNING && t_token == m_token -> /* report */
       tx[g] = REPORT; tx_token[g] = m_token; tx_attempt[g] = t_attempt }
  :: d_step { tx[g] == CLAIM && t_status == PENDING -> commit_claim(g) }
  :: d_step { tx[g] == REPORT -> commit_report(g) }
  :: d_step { tx[g] != IDLE -> tx[g] = IDLE; tx_token[g] = 0; tx_attempt[g] = 0 } /* rolled back */
  od
#endif
}

#ifndef LIVE
/* expire_tasks: takes a silent owner's task back; the row a report has open is skipped. */
proctype task_timeouts() {
  do
  :: d_step { t_status == RUNNING && tx[0] != REPORT && tx[1] != REPORT && t_attempt < ATTEMPTS ->
       t_status = PENDING; t_token = 0;
       printf("> the running task is taken back: no progress\n") }
  od
}
#endif

/* Part of failover.pml: one operation, step by step. */

#define kind kind_of[i]

/* What the lock itself says about an operation: refusals by evidence come on top. */
#define lock_allows \
  ((kind != FAILOVER || a_holder == NOBODY || (a_holder == P && a_mark)) \
   && (kind == DEACTIVATE -> (a_holder != NOBODY && a_operation == 0) : a_holder != target(kind)))
#define is_registered (kind != DEACTIVATE && a_operation == i)
#if MUTANT == 12
#define sees_own_move false
#else
#define sees_own_move (a_granted_by == i)
#endif
#if MUTANT == 20
#define mirror_is_ahead false
#else
#define mirror_is_ahead (m_token > l_token)
#endif

inline read_lock() {
  read_etag(i + 2);
  l_token = a_token;
  l_allowed = lock_allows
}

#if MUTANT == 7
inline blind_raise() {
  no_open_transaction ->
  m_token = r_token[i];
  m_holder = target(kind);
  m_active = m_holder;
  m_timeline = timeline;
  hand_back_lost_tasks(m_token);
  printf("> operation %d writes token %d into the fence\n", i, m_token)
}
#endif

inline record_end() {
  d_step {
    g_refused[i] = refused;
    printf("> operation %d recorded as ended, refused: %d\n", i, refused);
    PROPERTY(8, !NOT_RESTORED || !(refused && g_moved[i]))
  }
}

/* Operation i: a registered failover or failback, or a forced deactivation (one call, not registered). Any process may
   stop for ever at any line; what the flow repeats it repeats with what is recorded. */
proctype operation(byte i) {
  byte l_token, mine, again;
  bool l_allowed, refused, promised;

begin: /* begin_operation: the conditional write makes reading, deciding and registering one step */
  atomic {
    if
    :: kind == DEACTIVATE -> skip
    :: kind != DEACTIVATE && a_operation == 0 && !regressed && lock_allows ->
       a_operation = i;
       a_own = false;
       printf("> operation %d (kind %d) registered\n", i, kind);
       wrote_lock()
    :: kind != DEACTIVATE -> goto over /* refused, joined, or done already */
    fi
  }
#ifdef LIVE
  if /* the host may die between registering and starting */
  :: kind != DEACTIVATE && hosts_may_die > 0 -> hosts_may_die--; dead[i] = true; !dead[i]
  :: true -> skip
  fi;
#endif

look: /* run_step reads the lock; look_again observes: lock first ... */
  atomic {
    if
    :: kind != DEACTIVATE && a_operation != i -> /* not the running operation: refused */
       PROPERTY(8, !NOT_RESTORED || !g_moved[i]);
       goto over
    :: is_registered && sees_own_move -> mine = a_token; goto raise
    :: (kind == DEACTIVATE || is_registered) && !(is_registered && sees_own_move) ->
#if MUTANT == 11 /* evidence before the ETag */
       read_etag(i + 6)
#else
       read_lock()
#endif
    fi
  }
  atomic { /* ... evidence second: anything may be seen of the heartbeats, so any refusal is possible */
#if MUTANT == 11
    read_lock();
#else
    read_etag(i + 6);
#endif
    if
    :: l_allowed && !mirror_is_ahead ->
       PROPERTY(12, m_token <= l_token);
       mint(r_token[i], l_token, m_token);
       printf("> operation %d (kind %d) judged the lock at token %d, will write token %d\n", i, kind, l_token, r_token[i]);
       record_etag(i, i + 2)
#ifndef LIVE
    :: l_allowed -> /* PostgreSQL unreachable: the mirror was not asked */
       mint(r_token[i], l_token, 0);
       printf("> operation %d (kind %d) judged the lock at token %d without the mirror, will write token %d\n", i, kind, l_token, r_token[i]);
       record_etag(i, i + 2)
#endif
    :: kind != DEACTIVATE -> refused = true
    :: kind == DEACTIVATE && (!l_allowed || mirror_is_ahead) -> goto over
    fi;
#if MUTANT == 4 /* failback keeps the token */
    if
    :: kind == FAILBACK && !refused -> r_token[i] = l_token
    :: kind != FAILBACK || refused -> skip
    fi;
#endif
#if MUTANT == 31 /* fence raised before the lock is won */
    if
    :: !refused && no_open_transaction -> m_token = r_token[i]; m_holder = target(kind)
    :: refused || !no_open_transaction -> skip
    fi;
#endif
    etag_holds[i + 2] = false; l_token = 0; l_allowed = false;
    if
    :: refused -> goto finish
    :: !refused -> skip
    fi
  }

move: /* move_lock: the write is on its way from here on (table_store lands it); what comes back? */
  atomic {
    if
#if MUTANT == 8 /* 412 taken as lost */
    :: g_moved[i] && a_own && a_granted_by == i -> mine = a_token; goto raise
    :: !etag_holds[i] -> refused = true; goto finish
#else
    :: a_granted_by == i && !(MUTANT == 12 && !a_own) -> mine = a_token; goto raise /* answered, or read back */
    :: !(a_granted_by == i && !(MUTANT == 12 && !a_own)) && !etag_holds[i] && again < LOOKS -> /* AGAIN */
       again++;
#if MUTANT == 9 /* overwrite after a 412 without looking again */
       mint(r_token[i], a_token, m_token);
       read_etag(i);
       goto move
#else
       goto look
#endif
    :: a_granted_by != i && !etag_holds[i] && again >= LOOKS -> goto finish /* Superseded */
#endif
#ifndef LIVE
    :: a_granted_by != i && etag_holds[i] -> goto finish /* StepTimeout: what was sent may still land */
    :: again < LOOKS -> again++; goto look /* the flow runs again from its beginning */
#endif
    fi
  }

raise: /* _raise_fence */
#if MUTANT == 6 /* acknowledged before the raise */
  atomic { promised = true; goto acknowledge };
#endif
#if MUTANT == 28 /* deactivate answers before the raise */
  if
  :: kind == DEACTIVATE -> promised = true; goto acknowledge
  :: kind != DEACTIVATE -> skip
  fi;
#endif
#if MUTANT == 7 /* a raise that takes its arguments from the history, and may lower */
  atomic { blind_raise(); promised = true; goto acknowledge };
#endif
#if MUTANT == 19 /* activation_status written by a step of its own */
  atomic { m_active = target(kind); PROPERTY(5, m_active == NOBODY || m_active == m_holder) };
#endif
#ifdef LIVE
  if
  :: hosts_may_die > 0 -> hosts_may_die--; dead[i] = true; !dead[i]; goto look
  :: true -> skip
  fi;
#endif
  atomic {
    if
    :: no_open_transaction && !regressed ->
       sync_mirror();
       promised = true;
#if defined(RESTORE) && MUTANT != 29 /* acknowledged whatever the mirror was raised to */
       if
       :: m_token >= mine -> skip
       :: m_token < mine -> promised = false; goto finish /* the authority forgot this move: AuthorityRegressed */
       fi
#endif
    :: no_open_transaction && regressed -> goto finish /* AuthorityRegressed */
#ifndef LIVE
    :: none_open_below(mine) -> /* PostgreSQL unreachable, all transactions under former tokens have ended: pending */
#if (defined(TABLEDOWN) && LIMIT != 1) || (defined(RESTORE) && LIMIT != 2)
       promised = false
#else
       promised = true
#endif
    :: again < LOOKS -> again++; goto look
#endif
    fi
  }

acknowledge: /* the step's answer: "the former holder is harmless" */
  atomic {
    g_acknowledged = (promised -> larger(g_acknowledged, mine) : g_acknowledged);
    printf("> operation %d answers that token %d is in force (promise %d)\n", i, mine, promised);
    promised = false
  }

finish: /* finish_operation: out of the lock first, so that nothing it sent can land any more ... */
#if MUTANT == 13 /* the record ends before the operation has left the lock */
  record_end();
#endif
  atomic {
    if
    :: is_registered -> printf("> operation %d leaves the lock\n", i); a_operation = 0; a_own = false; wrote_lock(); refused = refused && !sees_own_move
    :: !is_registered -> skip /* a deactivation, or it has left already */
#ifndef LIVE
    :: is_registered && again < LOOKS -> again++; refused = false; goto look /* the flow runs again */
#endif
    fi
  }
#if MUTANT != 13
  record_end(); /* ... the record second */
#endif

over:
#if MUTANT == 14 /* a stale operation's step not refused: a late finish_operation takes out whatever runs */
  skip;
  d_step { kind != DEACTIVATE && a_operation != 0 && a_operation != i -> a_operation = 0; wrote_lock() };
#endif
  skip;
#if MUTANT == 7 /* a late copy of the step */
  atomic { r_token[i] && g_moved[i] && a_operation != i -> blind_raise() };
#endif
  d_step { again = 0; mine = 0; refused = false }
}

#undef kind

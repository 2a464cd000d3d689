/* One environment: the lock moves, the fence follows, one task is worked on. Untimed; leases are in lease.pml.

   Procedures are named as in the code. What README.md calls a configuration is a set of macros:
     TABLEDOWN  a guarded transaction may fail to read the authority (mirror-only mode)
     PGLOSS     PostgreSQL fails over once to a replica that lost its newest commits (new timeline)
     RESTORE    the Table is once set back to an older copy, its old ETag included
     LIVE       liveness: no late repetitions, transactions in one piece, hosts that die (-DFOREVER: for good)
     CHECK=n    only property Sn is asserted      MUTANT=n   safeguard n is removed      LIMIT=n   see README.md

   Beware of `else` in an `if` that is the first statement of an option: it belongs to the outer choice. Every option
   here therefore starts with an expression, and run.py reads the list of unreached lines. */

#ifndef MUTANT
#define MUTANT 0
#endif
#ifndef CHECK
#define CHECK 0
#endif
#ifndef LIMIT
#define LIMIT 0
#endif
#ifndef ATTEMPTS
#define ATTEMPTS 2      /* max_attempts of the rotation config */
#endif
#ifndef LOOKS
#define LOOKS 1         /* LOOKS_LIMIT less one, and how often a flow runs again */
#endif
#ifndef RECOVERIES
#define RECOVERIES 1    /* how often a failed holder is let back in */
#endif
#define TOKENS 12

#define P 0             /* the primary's gateway */
#define DR 1            /* the standby's gateway */
#define NOBODY 2

#define FAILOVER 0
#define FAILBACK 1
#define DEACTIVATE 2

#define PENDING 0
#define RUNNING 1
#define ENDED 2

#define IDLE 0
#define CLAIM 1
#define REPORT 2

#define MONITOR 3       /* granted_by of a recovery */
#define UNSET 9

#define PROPERTY(n, e) assert((CHECK != 0 && CHECK != n) || (e))
#ifdef RESTORE
/* A store that forgets may be told the same again: what holds then is said in S1 of README.md. */
#define NOT_RESTORED 0
#else
#define NOT_RESTORED 1
#endif

#include "stores.pml"
#include "operation.pml"
#include "monitor.pml"
#include "work.pml"

#ifdef PGLOSS
/* PostgreSQL fails over to a replica: its newest commits are gone, open transactions die, the timeline is another. */
proctype postgres_failover() {
  byte k_token, k_holder, k_timeline, k_active, k_status, k_task_token, k_attempt;
  d_step {
    k_token = m_token; k_holder = m_holder; k_timeline = m_timeline; k_active = m_active;
    k_status = t_status; k_task_token = t_token; k_attempt = t_attempt
  };
  d_step {
    m_token = k_token; m_holder = k_holder; m_timeline = k_timeline; m_active = k_active;
    t_status = k_status; t_token = k_task_token; t_attempt = k_attempt;
    timeline = 2;
    printf("> PostgreSQL failed over: the fence is back at holder %d, token %d\n", m_holder, m_token);
    tx[0] = IDLE; tx_token[0] = 0; tx_attempt[0] = 0;
    tx[1] = IDLE; tx_token[1] = 0; tx_attempt[1] = 0;
    k_token = 0; k_holder = 0; k_timeline = 0; k_active = 0; k_status = 0; k_task_token = 0; k_attempt = 0
  }
}
#endif

#ifdef RESTORE
/* Table Storage is set back to an older copy: the entity and its old ETag. */
proctype table_restored() {
  byte k_holder, k_token, k_operation, k_granted_by, k_judged, n;
  bool k_own, k_mark;
  d_step {
    k_holder = a_holder; k_token = a_token; k_operation = a_operation;
    k_granted_by = a_granted_by; k_judged = g_judged; k_own = a_own; k_mark = a_mark;
    k_present = true;
    n = 1;
    do
    :: n <= 8 -> k_holds[n] = etag_holds[n]; n++
    :: n > 8 -> break
    od;
    n = 0
  };
  d_step {
    !k_present ->
    a_holder = k_holder; a_token = k_token; a_operation = k_operation;
    printf("> Table Storage restored: the lock is back at holder %d, token %d\n", k_holder, k_token);
    a_granted_by = k_granted_by; g_judged = k_judged; a_own = k_own; a_mark = k_mark;
    k_holder = 0; k_token = 0; k_operation = 0; k_granted_by = 0; k_judged = 0; k_own = 0; k_mark = 0;
    n = 1;
    do
    :: n <= 8 -> etag_holds[n] = k_holds[n]; k_holds[n] = false; n++
    :: n > 8 -> break
    od;
    n = 0
  }
}
#endif

#ifndef FIRST_MIN
#define FIRST_MIN FAILOVER
#endif
#ifndef LAST_KIND
#define LAST_KIND DEACTIVATE
#endif

init {
  byte n;
  d_step {
    n = 0;
    do
    :: n < TOKENS -> g_granted_to[n] = UNSET; n++
    :: n >= TOKENS -> break
    od;
    n = 0
  };
  atomic {
    if /* who holds the environment at first */
    :: a_holder = P
#ifndef ONLY_P
    :: a_holder = DR
#endif
    fi;
    m_holder = a_holder;
    m_active = a_holder;
    g_granted_to[1] = a_holder;
    /* The two operations are alike: one order of two kinds is enough. */
    select(n : FIRST_MIN .. LAST_KIND);
    kind_of[1] = n;
#ifdef LIVE
    select(n : FIRST_MIN .. LAST_KIND);
#else
    select(n : kind_of[1] .. LAST_KIND);
#endif
    kind_of[2] = n;
    n = 0;
    run table_store();
    run monitor(5);
#if MONITORS == 2
    run monitor(6);
#endif
    run operation(1);
#ifndef SINGLE
    run operation(2);
#endif
#if !defined(NOWORK) || defined(LIVE)
    run reconciler();
#endif
#ifndef NOWORK
    run gateway(P);
    run gateway(DR);
#ifndef LIVE
    run task_timeouts();
#endif
#endif
#ifdef PGLOSS
    run postgres_failover();
#endif
#ifdef RESTORE
    run table_restored();
#endif
  }
}

#ifdef LIVE
#define moved_on (m_token == a_token && m_holder == a_holder)
#define settled (a_holder != NOBODY && !a_mark)
ltl L1 { [] ((a_operation == 1) -> <> (a_operation != 1)) }
ltl L2 { [] <> moved_on }
ltl L3 { (<> [] settled) -> <> (t_status == ENDED) }
#endif

/* Part of failover.pml: the lock in Table Storage, the fence in PostgreSQL, and the procedures that write them. */

/* The authority: the lock entity in Table Storage. */
byte a_holder = P;
byte a_token = 1;
/* The ETag: not its value, which would tell equal states apart, but for each reader whether the one it read is still
   the present one. Readers: operations 1, 2 (recorded), 3, 4 (their look_again under way), 5, 6 (monitors), and
   7, 8 (ghosts: the version at the instant an operation's evidence was read). */
bool etag_holds[9];
byte a_operation = 0;   /* registered operation */
byte a_granted_by = 0;
bool a_own = false;     /* the newest write is the one that granted: written_by is that of the move */
bool a_mark = false;    /* failed mark that counts for the holder */
byte g_judged = 0;      /* ghost: the token under which the marked silence was seen */
byte g_minted = 1;      /* ghost: newest token ever minted: what a right clock is above */
byte g_highest = 1;     /* ghost: highest token ever granted */
byte g_granted_to[TOKENS];

/* PostgreSQL: the fence row, the status copies, the task, and its timeline. */
byte m_token = 1;
byte m_holder = P;
byte m_timeline = 1;    /* validated_timeline */
byte m_active = P;      /* whose activation_status copy is `active` */
byte t_status = PENDING;
byte t_token = 0;
byte t_attempt = 0;
byte timeline = 1;

/* Open guarded transactions: each holds the fence row FOR SHARE. */
byte tx[2];
byte tx_token[2];
byte tx_attempt[2];

/* What look_again fixed in the orchestrations' histories. */
byte r_token[3];
byte kind_of[3];
bool g_moved[3];        /* ghost: the operation's grant has landed */
bool g_refused[3];      /* ghost: people were told that it was refused */

/* Ghosts of the data plane. */
byte g_committed = 0;   /* highest token of any committed claim or report */
byte g_acknowledged = 0;

byte recoveries = 0;
#ifdef LIVE
byte hosts_may_die = 1;
bool dead[3];
#endif

#define target(k) (k == FAILOVER -> DR : (k == FAILBACK -> P : NOBODY))
#define larger(x, y) ((x) > (y) -> (x) : (y))
#if MUTANT == 24 /* the fence row not kept FOR SHARE: a raise does not wait for open transactions */
#define no_open_transaction true
#else
#define no_open_transaction (tx[0] == IDLE && tx[1] == IDLE)
#endif
#define none_open_below(t) ((tx[0] == IDLE || tx_token[0] >= t) && (tx[1] == IDLE || tx_token[1] >= t))
#define regressed (a_token < m_token || (a_token == m_token && a_holder != m_holder))
#define active_now (a_mark -> NOBODY : a_holder)

#ifdef RESTORE
bool k_holds[9];        /* the same for the version in the older copy */
bool k_present = false; /* the version in the older copy is the present one */
#endif

inline read_etag(reader) {
  etag_holds[reader] = true;
#ifdef RESTORE
  k_holds[reader] = k_present
#endif
}

inline record_etag(reader, from) {
  etag_holds[reader] = etag_holds[from];
  etag_holds[from] = false;
#ifdef RESTORE
  k_holds[reader] = k_holds[from];
  k_holds[from] = false
#endif
}

inline wrote_lock() {
  etag_holds[1] = false; etag_holds[2] = false; etag_holds[3] = false; etag_holds[4] = false;
  etag_holds[5] = false; etag_holds[6] = false; etag_holds[7] = false; etag_holds[8] = false;
#ifdef RESTORE
  k_present = false
#endif
}

/* mint: max(now, stored + 1, mirrored + 1). A right clock is above every token minted before; one that stepped back
   adds nothing. Where no store forgets (no RESTORE) the clock is the one that stepped back. */
inline mint(token, stored, mirrored) {
#ifdef RESTORE
#if MUTANT == 3 /* mint without now */
  token = larger(stored, mirrored) + 1;
#else
  token = g_minted + 1;
#endif
#elif MUTANT == 2 /* mint from the clock alone */
  token = g_minted;
#else
  token = larger(stored, mirrored) + 1;
#endif
  g_minted = larger(g_minted, token);
}

/* The write of a new grant lands: transferred, vacated, recovered. */
inline grant(to, token, by) {
  PROPERTY(1, (NOT_RESTORED && token > g_highest)
           || (!NOT_RESTORED && (g_granted_to[token] == UNSET || g_granted_to[token] == to)));
  PROPERTY(2, g_granted_to[token] == UNSET || g_granted_to[token] == to);
  PROPERTY(7, !NOT_RESTORED || token > m_token);
  a_holder = to;
  a_token = token;
  a_mark = false;
  g_judged = 0;
  a_granted_by = by;
  a_own = true;
  g_highest = larger(g_highest, token);
  g_granted_to[token] = to;
  printf("> lock: holder %d, token %d, written by %d\n", to, token, by);
  wrote_lock();
}

/* hand_back_lost_tasks: part of the transaction that raises. */
inline hand_back_lost_tasks(token) {
#if MUTANT != 16 && MUTANT != 30 /* running tasks not handed back */
  if
  :: t_status == RUNNING && t_token < token && t_attempt < ATTEMPTS -> t_status = PENDING; t_token = 0
  :: t_status == RUNNING && t_token < token && t_attempt >= ATTEMPTS -> t_status = ENDED; t_token = 0; t_attempt = 0
  :: !(t_status == RUNNING && t_token < token) -> skip
  fi
#else
  skip
#endif
}

/* sync_mirror: one transaction that has the fence row FOR UPDATE and reads the authority itself. A regressed authority
   changes nothing: no caller comes this far with one. */
inline sync_mirror() {
  if
  :: a_token > m_token ->
     m_token = a_token;
     m_holder = a_holder;
     m_timeline = timeline;
     m_active = active_now;
     printf("> fence raised: holder %d, token %d\n", m_holder, m_token);
     hand_back_lost_tasks(m_token)
  :: a_token == m_token && a_holder == m_holder ->
     m_timeline = timeline;
     m_active = active_now
  fi;
  PROPERTY(7, !NOT_RESTORED || (m_token <= a_token && (m_token != a_token || m_holder == a_holder)));
  PROPERTY(5, m_active == NOBODY || m_active == m_holder);
  PROPERTY(11, !(t_status == RUNNING && t_token < m_token && m_token == a_token));
}

#define sync_would_change \
  (!regressed && (a_token > m_token || m_timeline != timeline || m_active != active_now))

/* The protocol of the page words as src/core does it, for the model checker spin. ../protocol.md
 * numbers the steps; README.md here says what is modelled, what is not, and what was searched.
 * tests/model runs it.
 *
 * One step of a process is one access to shared memory, and instead of each of its steps a process
 * may die. MEMBERS members choose freely among the operations of MENU, OPS times each; RECOVERERS
 * recoverers, of whom only the last one is immortal, work whenever a dead member is there.
 *
 * -D T1 ... -D T13 and -D NEIGHBOURS each put a simpler rule in place of one of the protocol's. */

#ifndef MEMBERS
#define MEMBERS 2
#endif
#ifndef RECOVERERS
#define RECOVERERS 1
#endif
#ifndef OPS /* operations of a member */
#define OPS 1
#endif
#ifndef DEATHS /* in all */
#define DEATHS 1
#endif
#ifndef W /* words */
#define W 2
#endif
#ifndef P /* pages of a word */
#define P 2
#endif
#ifndef SHORTEST /* pages of a block in one word, from ... to ... */
#define SHORTEST 1
#endif
#ifndef LONGEST
#define LONGEST 1
#endif
/* What members do: a sum. */
#define ONE_WORD   1 /* ALLOC1 */
#define LONGER     2 /* ALLOCM */
#define FREEING    4 /* FREE1, FREEM */
#define PUBLISHING 8 /* PUBLISH, and unlinking what was published */
#define TRIMMING  16 /* TRIM */
#ifndef MENU
#define MENU (ONE_WORD + FREEING)
#endif

#define N         (W * P)
#define PROCESSES (MEMBERS + RECOVERERS)
/* LATE_JOINER: the last member has no slot yet; it takes the first one that is given back. */
#ifdef LATE_JOINER
#define MEMBER_SLOTS (MEMBERS - 1)
#else
#define MEMBER_SLOTS MEMBERS
#endif
/* RECLAIM: recoverers reclaim after a pass; the frees of a reclaim need a slot. */
#ifdef RECLAIM
#define SLOTS (MEMBER_SLOTS + RECOVERERS)
#else
#define SLOTS MEMBER_SLOTS
#endif
#if defined(T13) || defined(NEIGHBOURS)
#define TSO
#endif

/* ---- shared memory ---- */

/* Each variable is one cell. A process is an ident, a row and an owner at once: 1 to PROCESSES. */
#define WORD(k)    (k)
#define TAG(p)     (W + (p))
#define IDENT(s)   (W + N + (s))
#define STATE(s)   (W + N + SLOTS + (s))
#define N_PAGES(s) (W + N + 2 * SLOTS + (s))
#define WATCH      (W + N + 3 * SLOTS)
#define LOCK       (WATCH + 1)
#define WHERE      (WATCH + 2) /* the one pointer for PUBLISH: 0 or page + 1 */
byte mem[WATCH + 3];

#define ANCESTOR   (PROCESSES + 1) /* a process that died before, with nothing unsettled */
#define TAG_NOBODY 0
#define TAG_MARK   14
#define TAG_SHARED 15

/* The intent's state: operation | page << 4. */
#define IDLE    0
#define ALLOC1  1
#define FREE1   2
#define CLAIM   3
#define COMMIT  4
#define FREEM   5
#define DROP    6
#define RELEASE 7
#define PUBLISH 8
#define INTENT(operation, page) ((operation) | (page) << 4)
#define OPERATION(state)        ((state) & 15)
#define PAGE(state)             ((state) >> 4)
#define IS_LONGER(state)        (OPERATION(state) >= CLAIM && OPERATION(state) <= RELEASE)

/* A page word, as word.h has it: lo of page i is bit i, hi is bit P + i. */
#define FULL            ((1 << P) - 1)
#define LO(w)           ((w) & FULL)
#define HI(w)           ((w) >> P)
#define FREE(w)         (FULL & ~(LO(w) | HI(w)))
#define FIRST(w)        (LO(w) & HI(w))
#define FURTHER(w)      (LO(w) & ~HI(w))
#define CLAIMED(w)      (~LO(w) & HI(w))
#define BITS_CLAIMED(m) ((m) << P)
#define BITS_BOTH(m)    ((m) << P | (m))
#define WORD_AT(p)      ((p) / P)
#define BIT_AT(p)       (1 << (p) % P)
#define LAST_WORD(p, n) (((p) + (n) - 1) / P)
/* A comparison is 0 or 1. */
#define LARGER(a, b)     ((a) * ((a) > (b)) + (b) * ((a) <= (b)))
#define SMALLER(a, b)    ((a) * ((a) <= (b)) + (b) * ((a) > (b)))
#define FROM(k, p)       LARGER(p, (k) * P)
#define TO(k, p, n)      SMALLER((p) + (n), ((k) + 1) * P)
#define MASK_IN(k, p, n) (((1 << (TO(k, p, n) - FROM(k, p))) - 1) << (FROM(k, p) - (k) * P))
/* Only in the word of its first page has a block a hi bit. */
#define FIRST_IN(k, p)      ((WORD_AT(p) == (k)) * BIT_AT(p))
#define BITS_BLOCK(k, p, m) (FIRST_IN(k, p) << P | (m))

/* The state of one page. */
#define BITS_OF(page)    (mem[WORD(WORD_AT(page))] >> ((page) % P))
#define IS_FIRST(page)   ((BITS_OF(page) & 1) && (BITS_OF(page) >> P & 1))
#define IS_FURTHER(page) ((BITS_OF(page) & 1) && !(BITS_OF(page) >> P & 1))

/* ---- what the checker knows and the protocol does not ---- */

byte kills = DEATHS;
byte gone = 1 << ANCESTOR;       /* processes that died */
byte at_work = MEMBERS;          /* living members that have not finished */
#define IS_GONE(process) ((process) != 0 && (gone >> (process) & 1) != 0)

/* Whose each page is: nobody's, that of the operation of a process, or part of a block that an
 * allocation has returned. */
#define HELD 15
byte hand[N];

/* What the program knows of the block at each first page. BUSY + process: that process is about to
 * free or publish it; there is no second one, for the program does not free twice. */
#define NO_BLOCK 0
#define PRIVATE  1
#define LINKED   2 /* published */
#define TAKEN    3 /* published and unlinked */
#define BUSY     4
byte stage[N];
byte length[N];

/* Is nobody's but a dead process's: in its operation, or freed by it. */
#define IS_LEFT(page, first) \
    (IS_GONE(hand[page]) || \
     (hand[page] == HELD && stage[first] > BUSY && IS_GONE(stage[first] - BUSY)))

/* ---- accesses ---- */

/* Reads and writes are of one process, `me`. With TSO each process has a store buffer, first in
 * first out: plain stores go into it, the process itself sees them, and a locked operation begins
 * by emptying it. So does death: a pidfd becomes readable after all stores. */
#ifdef TSO
#define ROOM 3
byte stored[(PROCESSES + 1) * ROOM];
byte value[(PROCESSES + 1) * ROOM];
byte waiting[PROCESSES + 1];
byte at;

inline flush(process)
{
    mem[stored[(process) * ROOM]] = value[(process) * ROOM];
    waiting[process]--;
    for (at : 0 .. ROOM - 2) {
        stored[(process) * ROOM + at] = stored[(process) * ROOM + at + 1];
        value[(process) * ROOM + at] = value[(process) * ROOM + at + 1];
    }
    stored[(process) * ROOM + ROOM - 1] = 0;
    value[(process) * ROOM + ROOM - 1] = 0
}

inline drain()
{
    do
    :: waiting[me] > 0 -> flush(me)
    :: else -> break
    od
}

inline load(to, cell)
{
    to = mem[cell];
    at = 0;
    do
    :: at < waiting[me] ->
        if
        :: stored[me * ROOM + at] == (cell) -> to = value[me * ROOM + at]
        :: else
        fi;
        at++
    :: else -> break
    od
}

inline store(cell, what)
{
    if
    :: waiting[me] == ROOM -> flush(me)
    :: else
    fi;
    stored[me * ROOM + waiting[me]] = cell;
    value[me * ROOM + waiting[me]] = what;
    waiting[me]++
}

/* A block's address becomes known by a store after the tag and the IDLE of its allocation. */
#define HOLDS(process, i, cell) (waiting[process] > i && stored[(process) * ROOM + i] == (cell))
#define HOLDS_ANY(process, cell) \
    (HOLDS(process, 0, cell) || HOLDS(process, 1, cell) || HOLDS(process, 2, cell))
#define ENDS(process, i) \
    (HOLDS(process, i, STATE(process - 1)) && value[(process) * ROOM + i] == IDLE)
#define HIDES(process, page) \
    (process != me && \
     (HOLDS_ANY(process, TAG(page)) || \
      (mem[TAG(page)] == process && (ENDS(process, 0) || ENDS(process, 1) || ENDS(process, 2)))))
#define IS_KNOWN(page) \
    (!HIDES(1, page) && !HIDES(2, page) && !(PROCESSES > 2 && HIDES(3, page)) && \
     !(PROCESSES > 3 && HIDES(4, page)))
#define TAG_WAITS(page) \
    (HOLDS_ANY(1, TAG(page)) || HOLDS_ANY(2, TAG(page)) || \
     (PROCESSES > 2 && HOLDS_ANY(3, TAG(page))) || (PROCESSES > 3 && HOLDS_ANY(4, TAG(page))))
/* Of the words of a new block its first one is stored last. */
#define BLOCK_WAITS(page) \
    (HOLDS_ANY(1, WORD(WORD_AT(page))) || HOLDS_ANY(2, WORD(WORD_AT(page))) || \
     (PROCESSES > 2 && HOLDS_ANY(3, WORD(WORD_AT(page)))) || \
     (PROCESSES > 3 && HOLDS_ANY(4, WORD(WORD_AT(page)))))
#define IS_QUIET \
    (at_work == 0 && waiting[1] == 0 && waiting[2] == 0 && \
     (MEMBERS < 3 || waiting[MEMBERS] == 0))

active proctype buffers()
{
end:
    do
    :: d_step { waiting[1] > 0 -> flush(1) }
    :: d_step { waiting[2] > 0 -> flush(2) }
#if MEMBERS + RECOVERERS > 2
    :: d_step { waiting[3] > 0 -> flush(3) }
#endif
#if MEMBERS + RECOVERERS > 3
    :: d_step { waiting[4] > 0 -> flush(4) }
#endif
    od
}
#else
#define IS_QUIET         (at_work == 0)
#define IS_KNOWN(page)   true
#define TAG_WAITS(page)  false
#define BLOCK_WAITS(page) false
#define drain()          skip
#define load(to, cell)   to = mem[cell]
#define store(cell, what) mem[cell] = what
#endif

inline exchange(cell, what)
{
    drain();
    mem[cell] = what
}

inline compare_exchange(cell, expected, what)
{
    drain();
    ok = mem[cell] == (expected);
    if
    :: ok -> mem[cell] = what
    :: else
    fi
}

inline fetch_and(cell, bits)
{
    drain();
    mem[cell] = mem[cell] & (bits)
}

inline fetch_xor(cell, bits)
{
    drain();
    mem[cell] = mem[cell] ^ (bits)
}

/* Pages change hands. m: a mask, for the step that is under way. */
byte h;
byte m;

/* The pages of m in word k are this process's alone; a whole word is stored as it shall be. */
inline change_mine(before, after)
{
    if
    :: m == FULL -> store(WORD(k), after)
#ifdef NEIGHBOURS
    :: else -> store(WORD(k), mem[WORD(k)] & ~BITS_BOTH(m) | (after))
#else
    :: else -> fetch_xor(WORD(k), (before) ^ (after))
#endif
    fi
}

inline pass_on(begin, count, old, new)
{
    for (h : begin .. (begin) + (count) - 1) {
        assert(hand[h] == (old));
        hand[h] = new
    }
}

/* Those of a mask in word k do. */
inline pass_on_in(index, mask, old, new)
{
    for (h : 0 .. P - 1) {
        if
        :: (mask) >> h & 1 ->
            assert(hand[(index) * P + h] == (old));
            hand[(index) * P + h] = new
        :: else
        fi
    }
}

/* Those of a mask in word k, of dead processes, do, in the course of settling what is at first. */
inline pass_on_left(index, mask, head, new)
{
    for (h : 0 .. P - 1) {
        if
        :: (mask) >> h & 1 ->
            assert(IS_LEFT((index) * P + h, head));
            hand[(index) * P + h] = new
        :: else
        fi
    }
}

/* ---- steps and deaths ---- */

#ifdef TSO
#define CLEAR m = 0; h = 0; at = 0
#else
#define CLEAR m = 0; h = 0
#endif


/* A step that is one access, or death in its place. (A d_step must not end in a selection.) */
#define STEP   if :: d_step {
#define OR_DIE ; CLEAR } :: atomic { MAY_DIE -> goto dying } fi;

#define MAY_DIE (kills > 0 && me != PROCESSES)

/* What the protocol leaves to the program: nobody takes a block away under a publisher that dies
 * before it has shared it. LATE_DEATH: that happens as well. */
#ifdef LATE_DEATH
#define MAY_DIE_LINKED MAY_DIE
#else
#define MAY_DIE_LINKED (MAY_DIE && (mem[WHERE] == p + 1 || mem[TAG(p)] != me))
#endif
#define OR_DIE_LINKED ; CLEAR } :: atomic { MAY_DIE_LINKED -> die(); goto dead } fi

/* An operation that had no effect yet leaves its block to the program. A free of the member's own
 * block is finished by recovery once it stands in the intent. */
#define IS_FREE_INTENDED \
    (mem[TAG(p)] == me && \
     (mem[STATE(slot)] == INTENT(FREE1, p) || mem[STATE(slot)] == INTENT(FREEM, p)))
inline die()
{
    drain();
    kills--;
    gone = gone | 1 << me;
    if
    :: me <= MEMBERS -> at_work--
    :: else
    fi;
    if
    :: stage[p] == BUSY + me && !IS_FREE_INTENDED -> stage[p] = was
    :: else
    fi
}

/* ---- operations of members (claim.c, free.c, publish.c) ----
 *
 * They use the variables of the process that is inside: me, slot, p (first page), n, k (word
 * index), w (a word read), t (a tag read), ok. */

/* intend_longer: ALLOCM and FREEM 1 to 3. */
inline intend_longer(operation)
{
    STEP store(N_PAGES(slot), n) OR_DIE;
#ifdef T13
    STEP store(STATE(slot), INTENT(operation, p)) OR_DIE;
#else
    STEP exchange(STATE(slot), INTENT(operation, p)) OR_DIE;
#endif
    if
#ifdef T5
    :: operation == FREEM
#endif
    :: else ->
        STEP load(w, WATCH) OR_DIE;
        if
        :: w != 0 && w - 1 >= WORD_AT(p) && w - 1 <= LAST_WORD(p, n) ->
            STEP store(WATCH, 0) OR_DIE
        :: else
        fi
    fi
}

/* claim_in_word: ALLOC1 2 to 5. Its caller tries again when it fails; here that is an operation of
 * its own. */
inline claim_in_word()
{
    STEP store(STATE(slot), INTENT(ALLOC1, p)) OR_DIE;
    STEP
        m = MASK_IN(k, p, n);
        compare_exchange(WORD(k), w, w | BITS_BLOCK(k, p, m));
        if
        :: ok -> pass_on(p, n, 0, me)
        :: else
        fi
    OR_DIE;
    if
    :: ok -> STEP store(TAG(p), me) OR_DIE
    :: else
    fi;
    STEP
        store(STATE(slot), IDLE);
        if
        :: ok -> returned()
        :: else
        fi
    OR_DIE
}

/* An allocation returns: the block is the program's. */
inline returned()
{
    pass_on(p, n, me, HELD);
    stage[p] = PRIVATE;
    length[p] = n
}

inline free_claimed()
{
    k = WORD_AT(p);
    do
    :: k <= LAST_WORD(p, n) ->
        STEP
            m = MASK_IN(k, p, n);
            pass_on_in(k, m, me, 0);
            change_mine(BITS_CLAIMED(m), 0)
        OR_DIE;
        k++
    :: else -> break
    od
}

/* claim_words: ALLOCM; with `trims` trim_next: TRIM. Both begin with claim_range. */
inline claim_words()
{
    intend_longer(CLAIM);
    k = WORD_AT(p);
    ok = true;
    do
    :: ok && k <= LAST_WORD(p, n) -> /* claim_mask: 4 */
        STEP load(w, WORD(k)) OR_DIE;
        ok = false;
        do
        :: !ok && (FREE(w) & MASK_IN(k, p, n)) == MASK_IN(k, p, n) ->
            STEP
                m = MASK_IN(k, p, n);
                compare_exchange(WORD(k), w, w | BITS_CLAIMED(m));
                if
                :: ok -> pass_on_in(k, m, 0, me)
                :: else -> w = mem[WORD(k)]
                fi
            OR_DIE
        :: else -> break
        od;
        if
        :: ok -> k++
        :: else
        fi
    :: else -> break
    od;
    if
#if MENU & TRIMMING
    :: ok && trims ->
        STEP store(STATE(slot), INTENT(RELEASE, p)) OR_DIE; /* 2 */
        STEP pass_on(p, n, me, me) OR_DIE;                  /* 3: the system takes the memory */
        free_claimed();                                     /* 4 */
        STEP store(STATE(slot), IDLE) OR_DIE
#endif
    :: ok && !trims ->
        STEP store(STATE(slot), INTENT(COMMIT, p)) OR_DIE; /* 5 */
        STEP store(TAG(p), me) OR_DIE;                     /* 6 */
        do                                                 /* settle: 7 */
        :: k > WORD_AT(p) ->
            k--;
            STEP
                m = MASK_IN(k, p, n);
                pass_on_in(k, m, me, me);
                change_mine(BITS_CLAIMED(m), BITS_BLOCK(k, p, m))
            OR_DIE
        :: else -> break
        od;
        STEP store(STATE(slot), IDLE); returned() OR_DIE /* 8 */
    :: else ->
        do /* unclaim_from: 4 */
        :: k > WORD_AT(p) ->
            k--;
            STEP
                m = MASK_IN(k, p, n);
            pass_on_in(k, m, me, 0);
                fetch_and(WORD(k), ~BITS_CLAIMED(m))
            OR_DIE
        :: else -> break
        od;
        STEP store(STATE(slot), IDLE) OR_DIE
    fi
}

/* view_block_length, and view_is_first before it: both read the first word, here in one step. n
 * becomes 0 where no block begins. */
inline walk()
{
    n = 0;
    k = WORD_AT(p);
    do
    :: k < W ->
        STEP
            load(w, WORD(k));
            do
            :: p + n < (k + 1) * P &&
               (FIRST(w) * (n == 0) + FURTHER(w) * (n > 0)) >> ((p + n) % P) & 1 -> n++
            :: else -> break
            od;
            if
            :: p + n == (k + 1) * P -> k++
            :: else -> k = W
            fi
        OR_DIE
    :: else -> break
    od
}

/* take_tag and take_for_reclaim: FREE1 3, FREEM 4. The tag that was read is t; ok: taken. */
inline take_tag(for_reclaim)
{
    STEP
        if /* a reclaim takes a block that nobody has called it for */
        :: for_reclaim && stage[p] == PRIVATE && mem[TAG(p)] == t -> stage[p] = BUSY + me
        :: else
        fi;
        if
#ifdef T8
        :: true ->
#else
        :: !for_reclaim && (t == me || t == TAG_SHARED) ->
#endif
            store(TAG(p), TAG_NOBODY);
            ok = true
        :: else ->
            compare_exchange(TAG(p), t, TAG_NOBODY);
#ifdef T9
            if
            :: !ok && mem[TAG(p)] != TAG_NOBODY && mem[TAG(p)] != TAG_MARK ->
                mem[TAG(p)] = TAG_NOBODY;
                ok = true
            :: else
            fi;
#endif
            again = !ok && !for_reclaim && mem[TAG(p)] == TAG_SHARED
        fi;
        if
        :: ok -> taken(for_reclaim)
        :: else
        fi
    OR_DIE
}

/* A free has taken the tag: the block is its own, and was the program's until now. (Or that of a
 * dead allocation, which only a reclaim before recovery comes upon.) */
inline taken(in_reclaim)
{
    w = hand[p];
    assert(w == HELD || (in_reclaim && IS_GONE(w)));
    assert(w != HELD || stage[p] == BUSY + me || (in_reclaim && stage[p] > BUSY));
    assert(w != HELD || n == length[p]);
    pass_on(p, n, w, me);
    w = 0;
    stage[p] = NO_BLOCK;
    length[p] = 0
}

/* free_in_word and free_words: FREE1 2 to 5, FREEM 2 to 9. */
inline free_tagged(reclaim)
{
    again = false;
    if
    :: n == 0 -> ok = false
    :: n > 0 && WORD_AT(p) == LAST_WORD(p, n) ->
        STEP store(STATE(slot), INTENT(FREE1, p)) OR_DIE;
        take_tag(reclaim);
        k = WORD_AT(p);
        if
        :: ok ->
            STEP
                pass_on(p, n, me, 0);
                m = MASK_IN(k, p, n);
                fetch_and(WORD(k), ~BITS_BOTH(m))
            OR_DIE
        :: else
        fi;
        STEP store(STATE(slot), IDLE) OR_DIE
    :: else ->
        intend_longer(FREEM);
        take_tag(reclaim);
        if
        :: ok ->
            STEP store(STATE(slot), INTENT(DROP, p)) OR_DIE; /* 5 */
            k = WORD_AT(p);
            do /* claim_back: 6 */
            :: k <= LAST_WORD(p, n) ->
                STEP
                    m = MASK_IN(k, p, n);
                    pass_on_in(k, m, me, me);
                    change_mine(BITS_BLOCK(k, p, m), BITS_CLAIMED(m))
                OR_DIE;
                k++
            :: else -> break
            od;
            STEP store(STATE(slot), INTENT(RELEASE, p)) OR_DIE; /* 7 */
            free_claimed() /* 8 */
        :: else
        fi;
        STEP store(STATE(slot), IDLE) OR_DIE
    fi
}

/* free_block: the tag was read when the program called. */
inline free_block()
{
    do
    ::
        walk();
        free_tagged(false);
        if
        :: again && tries == 0 ->
            STEP load(t, TAG(p)) OR_DIE;
            tries++;
            if
            :: t != TAG_SHARED -> break
            :: else
            fi
        :: else -> break
        fi
    od;
    tries = 0;
    assert(stage[p] != BUSY + me)
}

/* publish_block: PUBLISH. The tag was read when the program called. */
inline publish_block()
{
    if /* make_mine: 1 */
    :: t == me || t == TAG_SHARED -> ok = true
    :: t == TAG_NOBODY || t == TAG_MARK -> ok = false
    :: else ->
        STEP
            compare_exchange(TAG(p), t, me);
            if
            :: ok -> assert(stage[p] == BUSY + me)
            :: else -> ok = mem[TAG(p)] == TAG_SHARED
            fi
        OR_DIE
    fi;
    if
    :: ok ->
        STEP store(STATE(slot), INTENT(PUBLISH, p)) OR_DIE; /* 2 */
        STEP                                                /* 3 */
            compare_exchange(WHERE, 0, p + 1);
            if
            :: ok -> stage[p] = LINKED
            :: else
            fi
        OR_DIE;
        if
#ifdef T10
        :: ok -> STEP store(TAG(p), TAG_SHARED) OR_DIE_LINKED
#else
        :: ok -> STEP compare_exchange(TAG(p), me, TAG_SHARED); ok = true OR_DIE_LINKED /* 4 */
#endif
        :: else
        fi;
        STEP /* 5 */
            store(STATE(slot), IDLE);
            if
            :: !ok -> assert(stage[p] == BUSY + me); stage[p] = PRIVATE
            :: else
            fi
        OR_DIE
    :: else -> assert(stage[p] != BUSY + me)
    fi
}

/* ---- a member ---- */

/* A reader unlinks by a store of its own. It settles a dead publisher first: recovery, or the
 * certainty that nobody died in PUBLISH. */
#define DIED_PUBLISHING(s, page) (mem[STATE(s)] == INTENT(PUBLISH, page) && IS_GONE(mem[IDENT(s)]))
#ifdef T11
#define IS_SETTLED(page) true
#else
#define IS_SETTLED(page) \
    !(DIED_PUBLISHING(0, page) || (MEMBER_SLOTS > 1 && DIED_PUBLISHING(1, page)) || \
      (MEMBER_SLOTS > 2 && DIED_PUBLISHING(2, page)))
#endif

inline choose_page()
{
    if
    :: p = 0
    :: N > 1 -> p = 1
    :: N > 2 -> p = 2
    :: N > 3 -> p = 3
    :: N > 4 -> p = 4
    :: N > 5 -> p = 5
    fi
}

proctype member(byte me; byte slot)
{
    byte left = OPS;
    byte p, n, k, w, t, was;
    bool ok, again, tries, trims;

#ifdef LATE_JOINER
    if
    :: me == MEMBERS ->
end: /* members_take_slot */
        atomic {
            if
            :: mem[IDENT(0)] == 0 -> slot = 0
            :: MEMBER_SLOTS > 1 && mem[IDENT(1)] == 0 -> slot = 1
            fi;
            mem[IDENT(slot)] = me
        }
    :: else
    fi;
#endif

next:
progress:
    atomic { p = 0; n = 0; k = 0; w = 0; t = 0; was = 0; ok = false; again = false; trims = false }
    if
    :: atomic { MAY_DIE -> goto dying }
    :: atomic { left == 0 -> at_work--; goto finished }
#if MENU & ONE_WORD
    :: atomic {
        left > 0 -> /* claim_in_word's caller: ALLOC1 1 */
        left--;
        choose_page();
        n = SHORTEST;
        do
        :: n < LONGEST -> n++
        :: break
        od;
        k = WORD_AT(p);
        w = mem[WORD(k)];
        if
        :: LAST_WORD(p, n) > k || (FREE(w) & MASK_IN(k, p, n)) != MASK_IN(k, p, n) -> goto next
        :: else
        fi
       }
       claim_in_word()
#endif
#if MENU & (LONGER + TRIMMING)
    :: atomic {
        left > 0 ->
        left--;
        choose_page();
        if
#if MENU & LONGER
        :: trims = false
#endif
#if MENU & TRIMMING
        :: trims = true
#endif
        fi;
        if
        :: trims -> n = 1
        :: n = 2
        :: n = 3
        :: N > 3 -> n = 4
        fi;
        if
        :: p + n > N || (!trims && WORD_AT(p) == LAST_WORD(p, n)) -> goto next
        :: else
        fi
       }
       claim_words()
#endif
#if MENU & FREEING
    :: atomic {
        left > 0 -> /* FREE1 and FREEM 1 */
        left--;
        choose_page();
        if
        :: (stage[p] == PRIVATE || stage[p] == TAKEN) && IS_KNOWN(p) ->
            d_step { load(t, TAG(p)); was = stage[p]; stage[p] = BUSY + me }
        :: else -> goto next
        fi
       }
       free_block()
#endif
#if MENU & PUBLISHING
    :: atomic {
        left > 0 -> /* PUBLISH 1 */
        left--;
        choose_page();
        if
        :: stage[p] == PRIVATE && IS_KNOWN(p) ->
            d_step { load(t, TAG(p)); was = stage[p]; stage[p] = BUSY + me }
        :: else -> goto next
        fi
       }
       publish_block()
    :: atomic {
        left > 0 && mem[WHERE] != 0 && IS_SETTLED(mem[WHERE] - 1) ->
        left--;
        p = mem[WHERE] - 1;
        assert(stage[p] == LINKED);
        stage[p] = TAKEN;
        mem[WHERE] = 0
       }
#endif
    fi;
    goto next;

dying:
    atomic { die() }
dead:
    atomic {
        left = 0; p = 0; n = 0; k = 0; w = 0; t = 0; was = 0;
        ok = false; again = false; tries = false; trims = false
    }
finished:
    skip
}

/* ---- a recoverer (recovery.c) ---- */

/* Its time to work, in the model: a slot names a dead process, or there is something to reclaim. */
#define IS_DEAD(s) ((s) < SLOTS && IS_GONE(mem[IDENT(s)]))
#define IS_RECLAIMABLE(page) \
    ((page) < N && IS_FIRST(page) && mem[TAG(page)] < TAG_MARK && IS_GONE(mem[TAG(page)]))
#ifdef RECLAIM
#define IS_TO_RECLAIM \
    (IS_RECLAIMABLE(0) || IS_RECLAIMABLE(1) || IS_RECLAIMABLE(2) || \
     IS_RECLAIMABLE(3) || IS_RECLAIMABLE(4) || IS_RECLAIMABLE(5))
#else
#define IS_TO_RECLAIM false
#endif
#define IS_NEEDED \
    (IS_DEAD(0) || IS_DEAD(1) || IS_DEAD(2) || IS_DEAD(3) || IS_DEAD(4) || IS_TO_RECLAIM)
#ifdef T12
#define IS_LOCK_FREE true
#else
#define IS_LOCK_FREE (mem[LOCK] == 0 || IS_GONE(mem[LOCK]))
#endif

#define IS_VERDICT(s) (verdicts >> (s) & 1)

proctype recoverer(byte me; byte slot)
{
    byte p, n, k, w, t;
    bool ok, again;
    byte was;       /* for die() only: a recoverer has no block of the program in hand */
    byte verdicts;  /* slots whose member is dead */
    byte s, o;      /* the slot in hand; the one looked at beside it */
    byte state, other, looks, doubt, theirs, act;
    byte phase;
    bool settled, pending, was_quiet;
    byte dead_owner;

wait:
end:
progress:
    /* recovery_begin */
    atomic { IS_NEEDED && mem[LOCK] != me && IS_LOCK_FREE -> t = mem[LOCK] }
    STEP compare_exchange(LOCK, t, me); was_quiet = IS_QUIET OR_DIE;
    if
    :: !ok -> goto rest
    :: else
    fi;
#ifdef T7
    goto reclaim;
pass:
#endif

    /* recovery_pass: verdicts */
    do
    :: s < SLOTS ->
        STEP
            load(o, IDENT(s));
            verdicts = verdicts | IS_GONE(o) << s;
            o = 0;
            s++
        OR_DIE
    :: else -> break
    od;
    s = 0;
    if
    :: verdicts != 0 -> STEP store(WATCH, 0) OR_DIE
    :: else
    fi;

    /* run_phase, A to D */
phases:
    do
    :: phase < 4 && s < SLOTS && IS_VERDICT(s) -> break
    :: phase < 4 && s < SLOTS && !IS_VERDICT(s) -> s++
    :: phase < 4 && s >= SLOTS -> atomic { phase++; s = 0 }
    :: phase == 4 -> goto passed
    od;
    STEP load(state, STATE(s)); p = PAGE(state); settled = true OR_DIE;
    if
    :: phase == 0 && OPERATION(state) == COMMIT -> goto commit
    :: phase == 0 && OPERATION(state) == DROP -> goto drop
    :: phase == 1 && OPERATION(state) == PUBLISH -> goto publish
    :: phase == 1 && OPERATION(state) == FREEM -> goto orphan
    :: phase == 2 && (OPERATION(state) == ALLOC1 || OPERATION(state) == FREE1) -> goto orphan
    :: phase == 3 && (OPERATION(state) == CLAIM || OPERATION(state) == RELEASE) -> goto claims
    :: phase == 3 && OPERATION(state) == IDLE -> goto resolve
    :: else -> goto next_slot
    fi;

commit: /* phase_exclusive */
    STEP store(TAG(p), TAG_NOBODY) OR_DIE;
    STEP exchange(STATE(s), INTENT(DROP, p)) OR_DIE;

drop: /* finish_drop */
    STEP load(n, N_PAGES(s)); k = WORD_AT(p) OR_DIE;
    do
    :: k <= LAST_WORD(p, n) ->
        STEP
            load(w, WORD(k));
            m = MASK_IN(k, p, n);
            w = (w & BITS_BOTH(m)) ^ BITS_CLAIMED(m)
        OR_DIE;
        if
        :: w != 0 ->
            STEP
                m = MASK_IN(k, p, n);
                pass_on_left(k, m, p, mem[IDENT(s)]);
                fetch_xor(WORD(k), w)
            OR_DIE
        :: else
        fi;
        k++
    :: else -> break
    od;
    STEP
        exchange(STATE(s), INTENT(RELEASE, p));
        if
        :: stage[p] > BUSY && IS_GONE(stage[p] - BUSY) -> stage[p] = NO_BLOCK; length[p] = 0
        :: else
        fi
    OR_DIE;
    goto next_slot;

publish: /* recover_publish */
    STEP load(t, WHERE) OR_DIE;
    if
    :: t == p + 1 -> STEP compare_exchange(TAG(p), mem[IDENT(s)], TAG_SHARED) OR_DIE
    :: else
    fi;
    goto resolve;

orphan: /* find_orphan: the steps of ORPHAN */
#ifdef T6
    if
    :: OPERATION(state) == FREEM ->
        STEP load(t, TAG(p)); w = mem[WORD(WORD_AT(p))] OR_DIE;
        if
        :: (t == TAG_NOBODY || t == mem[IDENT(s)]) && (FIRST(w) & BIT_AT(p)) -> goto is_orphan
        :: else -> goto resolve
        fi
    :: else
    fi;
#endif
    STEP load(t, TAG(p)); ok = t == mem[IDENT(s)] OR_DIE; /* 1 */
    if
    :: t != TAG_NOBODY && t != TAG_MARK && !ok -> goto resolve
    :: else
    fi;
#ifdef T1
    if
    :: t == mem[IDENT(s)] -> STEP compare_exchange(TAG(p), t, TAG_NOBODY) OR_DIE
    :: else
    fi;
#else
    STEP compare_exchange(TAG(p), t, TAG_MARK) OR_DIE; /* 2 */
    if
    :: !ok -> goto undecided
    :: else
    fi;
#endif
    looks = 0;
    do
    :: looks < 2 ->
        o = 0;
        do /* in_doubt: 3, 5 */
        :: o < SLOTS && o != s ->
            STEP load(other, STATE(o)); o++ OR_DIE;
            if
            :: OPERATION(other) != IDLE && PAGE(other) == p &&
               (!IS_VERDICT(o - 1) || OPERATION(other) == COMMIT || OPERATION(other) == DROP ||
                (OPERATION(other) == FREEM && OPERATION(state) != FREEM)) -> goto undecided
            :: else
            fi;
            other = 0
        :: o < SLOTS && o == s -> o++
        :: else -> break
        od;
        if
        :: looks == 0 ->
            STEP load(w, WORD(WORD_AT(p))) OR_DIE; /* 4 */
            if
            :: !(FIRST(w) & BIT_AT(p)) -> goto resolve
            :: else
            fi
        :: else
        fi;
#ifdef T2
        looks++;
#endif
        looks++
    :: else -> break
    od;
    STEP load(t, TAG(p)) OR_DIE; /* 6 */
    if
#ifdef T1
    :: t == TAG_NOBODY
#else
    :: t == TAG_MARK
#endif
    :: else -> goto undecided
    fi;
    if
    :: OPERATION(state) == FREEM -> goto is_orphan
    :: else
    fi;
    /* phase_one_word */
    k = WORD_AT(p);
    n = 1;
    do
    :: p + n < (k + 1) * P && FURTHER(w) >> ((p + n) % P) & 1 -> n++
    :: else -> break
    od;
    STEP
        m = MASK_IN(k, p, n);
        pass_on_left(k, m, p, 0);
        if
        :: stage[p] > BUSY -> stage[p] = NO_BLOCK; length[p] = 0
        :: else
        fi;
        fetch_and(WORD(k), ~BITS_BOTH(m))
    OR_DIE;
    goto resolve;

is_orphan: /* recover_long_free */
    walk();
    STEP store(N_PAGES(s), n) OR_DIE;
    STEP exchange(STATE(s), INTENT(DROP, p)) OR_DIE;
    goto drop;

claims: /* phase_claims */
    STEP load(n, N_PAGES(s)); k = WORD_AT(p) OR_DIE;
    do
    :: k <= LAST_WORD(p, n) ->
        STEP load(w, WORD(k)) OR_DIE; /* release_word: the steps of phase D */
        looks = 2 * ((CLAIMED(w) & MASK_IN(k, p, n)) == 0);
        do
        :: looks < 2 ->
            atomic { doubt = 0; theirs = 0; act = 0; looks++ };
#if defined(T13)
            STEP store(WATCH, k + 1) OR_DIE; /* 1 */
#elif !defined(T3) && !defined(T4)
            STEP exchange(WATCH, k + 1) OR_DIE; /* 1 */
#endif
#ifdef T4
            STEP load(w, WORD(k)) OR_DIE;
#endif
            o = 0;
            do /* look_at_others: 2 */
            :: o < SLOTS && o != s ->
                STEP load(other, STATE(o)) OR_DIE;
                if
                :: IS_LONGER(other) -> STEP load(t, N_PAGES(o)) OR_DIE
                :: else -> t = 0
                fi;
                if
                :: t > 0 && WORD_AT(PAGE(other)) <= k && LAST_WORD(PAGE(other), t) >= k ->
                    if
                    :: !IS_VERDICT(o) -> doubt = doubt | MASK_IN(k, PAGE(other), t)
                    :: IS_VERDICT(o) && (OPERATION(other) == COMMIT || OPERATION(other) == DROP) ->
                        theirs = theirs | MASK_IN(k, PAGE(other), t)
                    :: else
                    fi
                :: else
                fi;
                atomic { other = 0; t = 0; o++ }
            :: o < SLOTS && o == s -> o++
            :: else -> break
            od;
#ifndef T4
            STEP load(w, WORD(k)) OR_DIE; /* 3 */
#endif
            atomic {
                doubt = CLAIMED(w) & MASK_IN(k, p, n) & ~theirs & doubt;
                act = CLAIMED(w) & MASK_IN(k, p, n) & ~theirs & ~doubt
            };
#if !defined(T3) && !defined(T4)
            if
            :: act != 0 ->
                STEP load(t, WATCH); ok = t == k + 1 OR_DIE; /* 4 */
                if
                :: !ok && looks == 1 -> goto once_more
                :: !ok && looks == 2 -> atomic { doubt = act; act = 0 }
                :: else
                fi
            :: else
            fi;
#endif
            if
            :: act != 0 ->
                STEP /* 5 */
#ifdef T4
                    if
                    :: mem[WORD(k)] != w -> doubt = act; act = 0
                    :: else
                    fi;
#endif
                    pass_on_left(k, act, p, 0);
                    fetch_and(WORD(k), ~BITS_CLAIMED(act))
                OR_DIE
            :: else
            fi;
            if
            :: doubt != 0 -> settled = false
            :: else
            fi;
#if !defined(T3) && !defined(T4)
            STEP store(WATCH, 0) OR_DIE; /* 6 */
#endif
            looks = 2;
once_more:
            skip
        :: else -> break
        od;
        k++
    :: else -> break
    od;
    if
    :: settled -> goto resolve
    :: else -> goto undecided
    fi;

resolve:
    STEP store(STATE(s), IDLE) OR_DIE;
    STEP store(IDENT(s), 0); verdicts = verdicts & ~(1 << s) OR_DIE; /* members_give_slot */
    goto next_slot;

undecided:
    pending = true;

next_slot:
    atomic { p = 0; n = 0; k = 0; w = 0; t = 0; o = 0; state = 0; other = 0; looks = 0; doubt = 0;
             theirs = 0; act = 0; settled = 0; ok = 0; s++ };
    goto phases;

passed:
#ifndef T12
    assert(!(pending && was_quiet)); /* with everybody at rest nothing stays in doubt */
#endif
#if defined(RECLAIM) && !defined(T7)
    /* recovery_reclaim: RECLAIM */
reclaim:
    atomic { s = 0; phase = 0; pending = 0 };
    if
    :: dead_owner = ANCESTOR
    :: IS_GONE(1) -> dead_owner = 1
    :: IS_GONE(2) -> dead_owner = 2
    :: MEMBERS > 2 && IS_GONE(3) -> dead_owner = 3
    :: RECOVERERS > 1 && IS_GONE(MEMBERS + 1) -> dead_owner = MEMBERS + 1
    fi;
#endif
#ifdef T7
    goto unlock;
reclaim:
    if
    :: dead_owner = ANCESTOR
    :: IS_GONE(1) -> dead_owner = 1
    :: IS_GONE(2) -> dead_owner = 2
    fi;
#endif
#ifdef RECLAIM
    do /* row_is_settled */
    :: s < SLOTS ->
        STEP load(o, IDENT(s)); s++ OR_DIE;
#ifndef T7
        if
        :: o == dead_owner -> goto unlock
        :: else
        fi
#endif
    :: else -> break
    od;
    atomic { s = 0; o = 0 };
    do /* for_each_block: s is the word, act the first pages that are left in it */
    :: s < W ->
        STEP load(act, WORD(s)); act = FIRST(act) OR_DIE;
        looks = 0;
        do
        :: looks < P && (act >> looks & 1) ->
            STEP p = s * P + looks; load(t, TAG(p)) OR_DIE;
            if
            :: t == dead_owner -> /* free_if_tagged */
                walk();
                free_tagged(true)
            :: else
            fi;
            atomic { p = 0; n = 0; k = 0; w = 0; t = 0; ok = 0; again = 0; looks++ }
        :: looks < P && !(act >> looks & 1) -> looks++
        :: else -> break
        od;
        atomic { s++; act = 0; looks = 0 }
    :: else -> break
    od;
    s = 0;
#endif
#ifdef T7
    goto pass;
#endif

unlock: /* recovery_end */
    STEP store(LOCK, 0) OR_DIE;

rest:
    atomic { p = 0; n = 0; k = 0; w = 0; t = 0; ok = 0; s = 0; o = 0; phase = 0; verdicts = 0;
             pending = 0; was_quiet = 0; dead_owner = 0 };
    goto wait;

dying:
    atomic { die() }
dead:
    atomic {
        p = 0; n = 0; k = 0; w = 0; t = 0; s = 0; o = 0; phase = 0; verdicts = 0; state = 0;
        other = 0; looks = 0; doubt = 0; theirs = 0; act = 0; dead_owner = 0;
        ok = false; again = false; settled = false; pending = false; was_quiet = false
    }
}

/* ---- what holds in every state ---- */

/* A block that the program has is whole, has an owner or is shared, and is shared only if it was
 * published. */
#define IS_PROGRAMS(page) (stage[page] != NO_BLOCK && stage[page] <= TAKEN)
#define GOES_ON_TO(page, i) \
    ((i) > length[page] || (page) + (i) >= N || \
     IS_FURTHER((page) + (i)) == (length[page] > (i)))
#define IS_TAGGED(page) \
    (TAG_WAITS(page) || \
     (mem[TAG(page)] != TAG_NOBODY && mem[TAG(page)] != TAG_MARK && \
      (mem[TAG(page)] != TAG_SHARED || stage[page] != PRIVATE)))
#define IS_WHOLE(page) \
    (BLOCK_WAITS(page) || \
     (IS_FIRST(page) && GOES_ON_TO(page, 1) && GOES_ON_TO(page, 2) && GOES_ON_TO(page, 3)))
#define IS_SOUND(page) \
    ((page) >= N || !IS_PROGRAMS(page) || \
     (IS_WHOLE(page) && IS_TAGGED(page)))
#define ARE_SOUND \
    (IS_SOUND(0) && IS_SOUND(1) && IS_SOUND(2) && IS_SOUND(3) && IS_SOUND(4) && IS_SOUND(5))

active proctype observer()
{
end:
    atomic { !ARE_SOUND -> assert(ARE_SOUND) }
}

/* ---- the beginning and the end ---- */

/* HELD_PAGES: a block of so many pages from page 0 on is there, and HELD_BY owns it. */
init {
    byte i;
    atomic {
#ifdef HELD_PAGES
        atomic {
            for (i : 0 .. W - 1) {
                if
                :: i <= LAST_WORD(0, HELD_PAGES) ->
                    m = MASK_IN(i, 0, HELD_PAGES);
                    mem[WORD(i)] = BITS_BLOCK(i, 0, m)
                :: else
                fi
            };
            mem[TAG(0)] = HELD_BY;
            pass_on(0, HELD_PAGES, 0, HELD);
            stage[0] = PRIVATE;
            length[0] = HELD_PAGES
        };
#endif
        for (i : 1 .. MEMBER_SLOTS) {
            mem[IDENT(i - 1)] = i
        };
        for (i : 1 .. MEMBERS) {
            run member(i, i - 1)
        };
        for (i : 1 .. RECOVERERS) {
#ifdef RECLAIM
            mem[IDENT(MEMBER_SLOTS + i - 1)] = MEMBERS + i;
#endif
            run recoverer(MEMBERS + i, MEMBER_SLOTS + i - 1)
        };
        i = 0
    }

    /* When nobody can or wants to do a step: nothing is lost and nothing is left. */
    timeout;
    atomic {
        for (i : 0 .. SLOTS - 1) {
            assert(!IS_GONE(mem[IDENT(i)]));
            assert(mem[STATE(i)] == IDLE)
        };
        for (i : 0 .. N - 1) {
            assert(stage[i] <= TAKEN);
            assert((hand[i] == HELD) == (BITS_OF(i) & 1));
            assert(hand[i] == HELD || hand[i] == 0);
            assert(hand[i] == HELD || !(BITS_OF(i) >> P & 1));
            assert(!IS_FIRST(i) || stage[i] != NO_BLOCK);
            assert(stage[i] != LINKED || mem[TAG(i)] == TAG_SHARED);
            assert(stage[i] != TAKEN || !IS_RECLAIMABLE(i));
#ifdef RECLAIM
            assert(stage[i] == NO_BLOCK || !IS_RECLAIMABLE(i))
#endif
        }
    }
}

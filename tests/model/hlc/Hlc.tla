-------------------------------- MODULE Hlc --------------------------------
(* Hybrid logical clocks of a group whose wall clocks are wrong by at most Skew, but for one that may say anything: causes     *)
(* come before effects, no stamp runs further ahead of true time than Skew + OffsetMax, readings beyond OffsetMax are refused, *)
(* and what is committed has growing stamps, whoever leads and whoever restarted.                                              *)
EXTENDS Integers, FiniteSets, TLC

CONSTANTS
  Nodes,
  Liars,        \* whose wall clocks may say anything within Far; fewer than half
  Skew,         \* how wrong an honest wall clock may be
  OffsetMax,    \* how far ahead of its own wall clock a node lets a reading be
  Far,
  TimeMax,      \* bound on true time
  PerTime,      \* events that there may be in one unit of time
  Logged,       \* whether the events are entries of the leader's log, or words among all without a leader
  Logical       \* events that one unit of a stamp can count: 4,096 in the code

VARIABLES
  now,          \* true time
  wall,         \* each node's own
  latest,       \* each node's clock: units * Logical + count
  past,         \* the greatest stamp among the causes of whatever the node does next
  words,        \* what was ever sent: a stamp and its causes, from the log or not
  events,       \* in this unit of time
  leader,
  held,         \* the stamp of the last entry of each node's log
  committed,    \* the stamp of the last committed entry
  ordered       \* whether every stamp so far was greater than its causes, and every commit than the one before

vars == <<now, wall, latest, past, words, events, leader, held, committed, ordered>>

Max(a, b) == IF a > b THEN a ELSE b
Physical(stamp) == stamp \div Logical
Quorum == Cardinality(Nodes) \div 2 + 1
(* The extremes are enough to break what can be broken; less wrong clocks lie between them. *)
Offsets(n) == IF n \in Liars THEN {-Far, Far} ELSE {-Skew, Skew}

(* What mutations replace. *)
Stamp(n) == Max(wall[n] * Logical, latest[n] + 1)
Accepts(n, stamp) == Physical(stamp) - wall[n] <= OffsetMax
ClockOfNewLeader(n) == Max(latest[n], held[n])

(* With time the wall clocks go on, and jump as far as they may be wrong. *)
Walls(t) == {w \in [Nodes -> t - Far..t + Far] : \A n \in Nodes : w[n] - t \in Offsets(n)}

Init ==
  /\ now = 0
  /\ wall \in Walls(0)
  /\ latest = [n \in Nodes |-> 0]
  /\ past = [n \in Nodes |-> -1]
  /\ words = {}
  /\ events = 0
  /\ leader \in Nodes
  /\ held = [n \in Nodes |-> -1]
  /\ committed = -1
  /\ ordered = TRUE

Pass ==
  /\ now < TimeMax
  /\ now' = now + 1
  /\ events' = 0
  /\ wall' \in Walls(now + 1)
  /\ UNCHANGED <<latest, past, words, leader, held, committed, ordered>>

(* An event at n: the leader writes an entry, or anyone sends anything. *)
Event(n, entry) ==
  LET stamp == Stamp(n) IN
  /\ events < PerTime /\ events' = events + 1
  /\ entry = Logged /\ (entry => n = leader)
  /\ latest' = [latest EXCEPT ![n] = stamp]
  /\ past' = [past EXCEPT ![n] = Max(@, stamp)]
  /\ ordered' = (ordered /\ stamp > past[n])
  /\ held' = IF entry THEN [held EXCEPT ![n] = stamp] ELSE held
  /\ words' = words \cup {[stamp |-> stamp, past |-> past'[n], entry |-> entry]}
  /\ UNCHANGED <<now, wall, leader, committed>>

(* A word comes; one too far ahead is refused whole, what it carries too. *)
Hear(n, word) ==
  /\ Accepts(n, word.stamp)
  /\ latest' = [latest EXCEPT ![n] = Max(@, word.stamp)]
  /\ past' = [past EXCEPT ![n] = Max(@, word.past)]
  /\ held' = IF word.entry /\ word.stamp > held[n] THEN [held EXCEPT ![n] = word.stamp] ELSE held
  /\ UNCHANGED <<now, wall, words, events, leader, committed, ordered>>

Commit ==
  /\ held[leader] > committed
  /\ Cardinality({n \in Nodes : held[n] >= held[leader]}) >= Quorum
  /\ committed' = held[leader]
  /\ UNCHANGED <<now, wall, latest, past, words, events, leader, held, ordered>>

(* Only one that has everything committed can be elected; what the others have beyond its log is cut off. *)
TakeOver(n) ==
  /\ Logged /\ n # leader /\ held[n] >= committed
  /\ leader' = n
  /\ latest' = [latest EXCEPT ![n] = ClockOfNewLeader(n)]
  /\ held' = [m \in Nodes |-> IF held[m] > held[n] THEN held[n] ELSE held[m]]
  /\ words' = {word \in words : ~word.entry \/ word.stamp <= held[n]}
  /\ past' = [past EXCEPT ![n] = Max(@, held[n])]
  /\ UNCHANGED <<now, wall, events, committed, ordered>>

(* It keeps its log and forgets the clock; what it told others before is no cause of what it does now, but for its log. *)
Restart(n) ==
  /\ Logged /\ n # leader
  /\ latest' = [latest EXCEPT ![n] = 0]
  /\ past' = [past EXCEPT ![n] = -1]
  /\ UNCHANGED <<now, wall, words, events, leader, held, committed, ordered>>

Next ==
  \/ Pass \/ Commit
  \/ \E n \in Nodes :
       Event(n, Logged) \/ TakeOver(n) \/ Restart(n) \/ \E word \in words : Hear(n, word)
Spec == Init /\ [][Next]_vars

Honest == Nodes \ Liars
Symmetry == Permutations(Honest)
(* Without words that have nothing new for anyone, where nobody can forget. *)
New(word) == Logged \/ \E n \in Nodes : word.stamp > latest[n] \/ word.past > past[n]
View == <<now, wall, latest, past, {word \in words : New(word)}, events, leader, held, committed, ordered>>

-----------------------------------------------------------------------------
CausesFirst == ordered

CommitsGrow == [][committed' # committed => committed' > committed]_vars
(* The leader's next entry comes after everything committed. *)
LeaderAhead == Stamp(leader) > committed

(* A node that is no liar is never further ahead of true time; a unit more while the events of this one are counted. *)
Bounded == \A n \in Honest : Physical(latest[n]) <= now + Skew + OffsetMax + 1
CommitBounded == Physical(committed) <= now + Skew + OffsetMax + 1
=============================================================================

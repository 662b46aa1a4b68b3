--------------------------- MODULE TraceFailover ---------------------------
(* Whether what replicas did, as TraceData has it, is a behaviour of Failover: from each line of a replica to its next one must *)
(* lead steps of that replica. A trace tells neither messages nor time, so leases are judged by who would serve alone.         *)
EXTENDS Failover, TraceData

VARIABLES
  line,         \* the line of the trace that is to be explained next
  seats,        \* by which members each replica decides
  seatings,     \* every membership that there was, in order
  begun         \* whether the process of that line has started, if it is to

traceVars == <<vars, line, seats, seatings, begun>>

-----------------------------------------------------------------------------
(* What stands for the constants and for some operators of Failover.                                                           *)

TraceReplicas == {Trace[n].replica : n \in 1..Len(Trace)}
TraceTermMax == LET terms == {Trace[n].term : n \in 1..Len(Trace)} IN CHOOSE t \in terms : \A u \in terms : u <= t
TraceFounders == Trace[1].voters
TraceMembers(i) == seats[i]
(* A trace tells no contents; that replicas with the same term at the same place have the same is Raft's own invariant. *)
TraceEntry(t, kind, seq, voters) == [term |-> t]

Now == Trace[line]
Its == Now.replica
Seats(l) == [voters |-> l.voters, outgoing |-> l.outgoing]
Founded == <<TraceEntry(1, "first", 0, {})>>

TraceInit ==
  /\ line = 1 /\ begun = FALSE
  /\ term = [i \in Replicas |-> IF i \in Founders THEN 1 ELSE 0]
  /\ vote = [i \in Replicas |-> NoOne]
  /\ log = [i \in Replicas |-> IF i \in Founders THEN Founded ELSE <<>>]
  /\ role = [i \in Replicas |-> "follower"]
  /\ commit = [i \in Replicas |-> Len(log[i])]
  /\ quiet = [i \in Replicas |-> 0]
  /\ beat = [i \in Replicas |-> NoBeat]
  /\ asked = {} /\ ballots = {} /\ handed = {}
  /\ said = [t \in Terms |-> IF t = 1 THEN [log |-> Founded, commit |-> 1] ELSE [log |-> <<>>, commit |-> 0]]
  /\ acked = [t \in Terms |-> [i \in Replicas |-> 0]]
  /\ shown = Founded
  /\ seats = [i \in Replicas |-> [voters |-> IF i \in Founders THEN Founders ELSE {}, outgoing |-> {}]]
  /\ seatings = <<[voters |-> Founders, outgoing |-> {}]>>

-----------------------------------------------------------------------------
(* Steps of the replica of the line, where they lead towards it.                                                               *)

Steps == Now.action = "step" \/ (Now.action = "start" /\ begun)

(* A founder's disk is empty when it is looked at first, and its founding is written at once. *)
Begin ==
  /\ Now.action = "start" /\ ~begun
  /\ begun' = TRUE
  /\ \E l \in LogsAfterRestart(Its) :
       /\ Len(l) = Max(Now.log_len, IF Its \in Founders THEN 1 ELSE 0)
       /\ Restart(Its, l, Now.commit)
  /\ seats' = [seats EXCEPT ![Its] = IF Seats(Now) \in {seatings[n] : n \in 1..Len(seatings)} THEN Seats(Now) ELSE @]
  /\ UNCHANGED <<line, seatings>>

(* Where entries count once the disk has them, a line tells them as soon as they are handed to it. One that was not counted yet *)
(* may be gone after a restart; whatever was shown must still be with a quorum. *)
BeginLate ==
  LET l == SubSeq(log[Its], 1, Now.log_len) IN
  /\ LateStore /\ Now.action = "start" /\ ~begun
  /\ 0 < Now.log_len /\ Now.log_len < Len(log[Its])
  /\ begun' = TRUE
  /\ log' = [log EXCEPT ![Its] = l]
  /\ IsQuorum({j \in Replicas : IsPrefix(shown, log'[j])}, seatings[Len(seatings)])
  /\ acked' = [t \in Terms |-> [acked[t] EXCEPT ![Its] = Min(@, Len(l))]]
  /\ commit' = [commit EXCEPT ![Its] = Now.commit]
  /\ role' = [role EXCEPT ![Its] = "follower"]
  /\ beat' = [beat EXCEPT ![Its] = NoBeat]
  /\ seats' = [seats EXCEPT ![Its] = IF Seats(Now) \in {seatings[n] : n \in 1..Len(seatings)} THEN Seats(Now) ELSE @]
  /\ UNCHANGED <<term, vote, quiet, asked, ballots, said, handed, shown, line, seatings>>

EnterTerm ==
  /\ term[Its] < Now.term
  /\ \/ Now.vote = Its /\ term[Its] + 1 = Now.term /\ Campaign(Its, FALSE)
     \/ Now.vote = Its /\ term[Its] + 1 < Now.term /\ Learn(Its, Now.term - 1)
     \/ Now.vote \notin {Its, NoOne} /\ \E request \in asked :
          request.term = Now.term /\ request.from = Now.vote /\ Grant(Its, request)
     \/ Learn(Its, Now.term)

VoteInTerm ==
  /\ term[Its] = Now.term /\ vote[Its] = NoOne /\ Now.vote \notin {Its, NoOne}
  /\ \E request \in asked : request.term = Now.term /\ request.from = Now.vote /\ Grant(Its, request)

TakeLead == term[Its] = Now.term /\ Now.role = "leader" /\ role[Its] = "candidate" /\ Lead(Its)

(* Several proposals of a leader in one step. *)
RECURSIVE Lengthened(_, _, _)
Lengthened(l, n, entry) == IF n = 0 THEN l ELSE Lengthened(Append(l, entry), n - 1, entry)
ProposeMany ==
  LET t == term[Its]
      longer == Lengthened(log[Its], Now.log_len - Len(log[Its]), TraceEntry(t, "op", 0, {}))
  IN  /\ t = Now.term /\ Now.role = "leader" /\ role[Its] = "leader" /\ Len(log[Its]) < Now.log_len
      /\ log' = [log EXCEPT ![Its] = longer]
      /\ said' = [said EXCEPT ![t].log = longer]
      /\ acked' = [acked EXCEPT ![t][Its] = Len(longer)]
      /\ UNCHANGED <<term, vote, memory, asked, ballots, handed, shown>>

StoreOwn == LateStore /\ commit[Its] < Now.commit /\ Store(Its)
CommitSome == term[Its] = Now.term /\ Now.role = "leader" /\ Commit(Its, Now.commit)

(* Either the log becomes what the line says, or it says that already and more of it is known to be committed. *)
ReceiveSome ==
  LET theirs == said[Now.term].log
      same == {k \in {Now.log_len} : k = Len(log[Its]) /\ LastTerm(log[Its]) = Now.last_term}
  IN  /\ term[Its] = Now.term /\ role[Its] # "leader"
      /\ IF same = {} THEN Now.log_len \in 1..Len(theirs) /\ Receive(Its, Now.term, Now.log_len, Min(Now.commit, Now.log_len))
         ELSE /\ commit[Its] < Now.commit /\ Now.commit <= Len(theirs)
              /\ Receive(Its, Now.term, Now.commit, Now.commit)
      /\ commit'[Its] <= Max(commit[Its], said[Now.term].commit)

OverhearSome ==
  /\ term[Its] = Now.term /\ commit[Its] < Now.commit
  /\ \E j \in Replicas : commit[j] >= Now.commit /\ Overhear(Its, j, Now.commit)

(* A leader or candidate may cease to be one by itself. *)
StepDown ==
  /\ term[Its] = Now.term /\ role[Its] \in {"leader", "candidate"} /\ Now.role = "follower"
  /\ role' = [role EXCEPT ![Its] = "follower"]
  /\ UNCHANGED <<disk, commit, quiet, beat, words, shown>>

Hidden ==
  /\ Steps
  /\ EnterTerm \/ VoteInTerm \/ TakeLead \/ ProposeMany \/ StoreOwn \/ CommitSome \/ ReceiveSome \/ OverhearSome \/ StepDown
  /\ UNCHANGED <<line, seats, seatings, begun>>

-----------------------------------------------------------------------------
(* Members change one after another, by a joint membership wherever more than one voter changes.                               *)

Follows(a, b) ==
  \/ a.outgoing # {} /\ b = [voters |-> a.voters, outgoing |-> {}]
  \/ a.outgoing = {} /\ b.outgoing = a.voters
  \/ a.outgoing = {} /\ b.outgoing = {} /\ Cardinality((a.voters \ b.voters) \cup (b.voters \ a.voters)) <= 1

Reseat ==
  LET new == Seats(Now) IN
  /\ Steps /\ seats[Its] # new
  /\ seats' = [seats EXCEPT ![Its] = new]
  /\ \/ (\E n \in 1..Len(seatings) : seatings[n] = new) /\ UNCHANGED seatings
     \/ Now.role = "leader" /\ Follows(seatings[Len(seatings)], new) /\ seatings' = Append(seatings, new)
  /\ UNCHANGED <<vars, line, begun>>

-----------------------------------------------------------------------------
(* The line is explained.                                                                                                      *)

(* A pre-candidate has promised nothing; what a line calls a candidate may be one. *)
RoleFits == \/ role[Its] = Now.role
            \/ Now.role = "candidate" /\ role[Its] = "follower"
            \/ Now.role = "follower" /\ role[Its] = "candidate"
Fits ==
  /\ term[Its] = Now.term /\ vote[Its] = Now.vote /\ RoleFits
  /\ LastTerm(log[Its]) = Now.last_term /\ Len(log[Its]) = Now.log_len
  /\ commit[Its] = Now.commit /\ seats[Its] = Seats(Now)
FitsStart ==
  /\ begun /\ vote[Its] = Now.vote
  /\ (Its \in Founders /\ Now.log_len = 0) \/ (Len(log[Its]) = Now.log_len /\ LastTerm(log[Its]) = Now.last_term)
  /\ term[Its] = Now.term \/ (Its \in Founders /\ Now.term <= 1)
(* Whoever would serve leads, and knows its own first entry to be committed; and there is one at most. *)
ServingFits ==
  /\ \A i \in Now.serving : Open(i)
  /\ Cardinality(Now.serving) <= 1

Explain ==
  /\ CASE Now.action = "step" -> Fits
       [] Now.action = "start" -> FitsStart
       [] OTHER -> TRUE
  /\ ServingFits
  /\ role' = IF Now.action = "lost" THEN [role EXCEPT ![Its] = "lost"] ELSE role
  /\ line' = line + 1 /\ begun' = FALSE
  /\ IF line <= TLCGet(1) THEN TRUE ELSE TLCSet(1, line) /\ PrintT(<<"explained", line>>)
  /\ IF line < Len(Trace) THEN TRUE ELSE TLCSet("exit", TRUE)
  /\ UNCHANGED <<disk, commit, quiet, beat, words, shown, seats, seatings>>

(* OneHistory, as far as this line can have broken it. *)
HistoryOfLine == line <= Len(Trace) => Agree(Committed(Its), shown)

TraceNext == line <= Len(Trace) /\ (Begin \/ BeginLate \/ Hidden \/ Reseat \/ Explain)
ASSUME TLCSet(1, 0)
=============================================================================

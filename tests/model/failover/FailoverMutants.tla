--------------------------- MODULE FailoverMutants ---------------------------
(* What Failover would be with one thing wrong in it, each of which some invariant must find.                                  *)
EXTENDS Failover

ShowProposals(l) == IF Len(l) > Len(shown) THEN l ELSE shown
ForgetVote(i) == NoOne
NoWait == 0
ForgetPromise(i) == 0
AlwaysHeartbeat(i) == TRUE
AlwaysFree(i, force) == TRUE
FreeInItsTerm(i, request) == FreeToVote(i, request.force) \/ request.term = term[i]
FreeInLaterTerms(i, request) == FreeToVote(i, request.force) \/ request.term > term[i]
AnyLogWins(request, l) == TRUE
AnyTermCommits(i, k) == TRUE
ProposeAtOnce(i) == TRUE
ServeAtOnce(i) == role[i] = "leader"
ForgetLog(i) == {<<>>}
Anyone == Replicas
SingleStep(l, upto) ==
  LET joint == Last(Places(l, upto, "joint"))
  IN  [voters |-> IF joint = 0 THEN Founders ELSE l[joint].voters, outgoing |-> {}]
=============================================================================

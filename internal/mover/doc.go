// Package mover runs the part of Rialto that touches content in a process of
// its own, and offers the two ends of the line between that process, the
// mover, and its parent.
//
// The parent owns what lasts: ledger, vault and rate leases. It calls Start,
// which executes the same program again with the argument "mover"; that
// program calls Child, which confines itself (package confine), fetches its job
// and runs it. The line is a pair of connected sockets with net/rpc on it: the
// mover asks, the parent answers. When the parent dies, the kernel kills the
// mover.
//
// # What crosses the line
//
//	towards the mover                          towards the parent
//	the policy of its confinement              the report of its confinement
//	its job, once: a specification with        how the job ended: a result of
//	  opened secrets                             counts and ids, or an error
//	answers of the ledger: ids, versions,      questions and batches for the ledger:
//	  states, times, marks, cursors              ids, versions, states, times, marks, cursors
//	connected sockets, as descriptors          names and ports of hosts to connect to
//	"pause" and "go on"                        secrets that a cloud renewed
//	"stop", with a reason                      events: bytes that hold ids and counts
//
// Nothing else does; package wire is the whole list. Content crosses in neither
// direction: it goes from cloud to mover to cloud. What the mover prints is
// looked at line by line, and only what has the shape of a Go stack trace
// reaches the parent's log: a panic's message is withheld unless it is one of
// the Go runtime's own.
//
// What this cannot hold: results and events are opaque here, so that they hold
// ids only is kept by those who write them.
package mover

// Argument is the program's argument that makes it a mover.
const Argument = "mover"

// lineFD is the descriptor of the mover's end of the line.
const lineFD = 3

// socketsFD is the descriptor of the mover's end of what connections come by.
const socketsFD = 4

// Package pairs holds tests alone: the real engine over the real connectors,
// from each cloud to each other, against stand-ins and a real Redmine. It also
// generates the pages of docs/connectors from what the connectors declare.
//
//	go test ./connectors/pairs -update        # writes the lists of losses anew
//	go test ./connectors/pairs -run Docs -update
//
// A loss that stands in no list fails the tests, so that a list only changes
// with somebody looking at it.
package pairs

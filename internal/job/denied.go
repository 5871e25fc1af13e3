package job

import (
	"errors"
	"fmt"

	"github.com/rialto-migrate/rialto/connector"
)

// reason says why a verb ended, and where a connection's credentials are no
// longer good, how to give it new ones and what happens then. Check and SignIn
// are how it gets them.
func (w *work) reason(err error) string {
	text := err.Error()
	e, ok := errors.AsType[*connector.Error](err)
	if !ok || e.Class != connector.Auth || w.spec.Verb == Check || w.spec.Verb == SignIn {
		return text
	}
	for _, end := range []End{w.spec.From, w.spec.To} {
		if e.Connection == "" || end.Connection != e.Connection {
			continue
		}
		then := "then try again"
		if w.spec.Verb == Run {
			then = "the next rialto run goes on from here"
		}
		return fmt.Sprintf("%s: the connection %s needs new credentials: rialto connect %s --name %s; %s", text, end.Connection, end.Connector, end.Connection, then)
	}
	return text
}

package googledrive

import (
	"context"
	"net/url"
	"strconv"
	"sync"

	"github.com/rialto-migrate/rialto/connector"
)

// A pool holds ids that Drive gave beforehand. A create that carries one may be sent
// again: the second answer is 409, and nothing is made twice
// (https://developers.google.com/workspace/drive/api/guides/create-file#generate-ids).
type pool struct {
	api *api

	mu    sync.Mutex
	ready map[string][]string // by type: files (folders too) and shortcuts
}

// idsAtOnce is how many are asked for; an id that is not used costs nothing.
const idsAtOnce = 100

// take is an id for something of a type.
func (p *pool) take(ctx context.Context, of string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.ready[of]) == 0 {
		var g generated
		err := p.api.read(ctx, "GET /files/generateIds", "/files/generateIds", url.Values{"count": {strconv.Itoa(idsAtOnce)}, "space": {"drive"}, "type": {of}, "fields": {"ids"}}, costRead, &g)
		if err != nil {
			return "", err
		}
		if len(g.IDs) == 0 {
			return "", connector.Errorf(connector.Malformed, "GET /files/generateIds: Drive gives no ids")
		}
		if p.ready == nil {
			p.ready = map[string][]string{}
		}
		p.ready[of] = g.IDs
	}
	id := p.ready[of][0]
	p.ready[of] = p.ready[of][1:]
	return id, nil
}

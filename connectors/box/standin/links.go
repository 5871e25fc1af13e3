package standin

import (
	"net/http"
	"strings"
)

func (s *Server) createLink(c *call) answer {
	var in struct {
		URL    string `json:"url"`
		Name   string `json:"name"`
		Parent idOnly `json:"parent"`
	}
	if !c.read(&in) || !strings.HasPrefix(in.URL, "http://") && !strings.HasPrefix(in.URL, "https://") {
		return bad("bad_request", "Bad Request")
	}
	if in.Name == "" {
		in.Name = strings.NewReplacer("/", "", `\`, "").Replace(in.URL)
	}
	parent, a, ok := s.into(c, in.Parent.ID, in.Name, nil)
	if !ok {
		return a
	}
	e := s.add(c.user, "web_link", in.Name, parent)
	e.url = in.URL
	return answer{status: http.StatusOK, json: s.tell(c, e)}
}

func (s *Server) getLink(c *call) answer {
	e := s.find(c.user, "web_link", c.vars[0])
	if e == nil {
		return notFound()
	}
	return answer{status: http.StatusOK, json: s.tell(c, e)}
}

func (s *Server) updateLink(c *call) answer { return s.update(c, "web_link") }
func (s *Server) deleteLink(c *call) answer { return s.remove(c, "web_link") }

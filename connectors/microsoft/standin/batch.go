package standin

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// A part is one request of a $batch (docs: json-batching).
type part struct {
	ID        string            `json:"id"`
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	Headers   map[string]string `json:"headers"`
	Body      json.RawMessage   `json:"body"`
	DependsOn []string          `json:"dependsOn"`
}

func badBatch(code, message string) *refusal {
	return refuse(http.StatusBadRequest, code, "%s", message)
}

// batch carries out up to 20 requests, each on its own: each counts against the
// quotas, and fails alone. The answers come in an order by chance. The caller
// holds mu.
func (s *Server) batch(c *call) (answer, error) {
	s.counts[c.method+" /$batch"]++
	if c.method != http.MethodPost {
		return answer{}, refuse(http.StatusMethodNotAllowed, "BadRequest", "Only POST is supported for $batch.")
	}
	var in struct {
		Requests []part `json:"requests"`
	}
	if json.Unmarshal(c.body, &in) != nil || in.Requests == nil {
		return answer{}, badBatch("BadRequest", "Invalid batch payload format.")
	}
	if over(len(in.Requests), s.limits.BatchParts) {
		return answer{}, badBatch("MaximumValueExceeded", "Number of batch request steps exceeds the maximum value of 20.")
	}
	seen := map[string]bool{} // ids do not tell case apart
	for _, p := range in.Requests {
		id := strings.ToLower(p.ID)
		switch {
		case p.ID == "" || p.Method == "" || p.URL == "":
			return answer{}, badBatch("BadRequest", "Invalid batch payload format: id, method and url are required.")
		case seen[id]:
			return answer{}, badBatch("BadRequest", "Request Id was either missing or duplicated. Each request in a batch must have an unique id.")
		case len(p.Body) > 0 && !isNull(p.Body) && headerOf(p.Headers, "Content-Type") == "":
			return answer{}, badBatch("BadRequest", "Write requests with a body must have a Content-Type header.")
		}
		for _, need := range p.DependsOn {
			if !seen[strings.ToLower(need)] {
				return answer{}, badBatch("BadRequest", "The dependsOn of a request must name an earlier request of the batch.")
			}
		}
		seen[id] = true
	}
	status := map[string]int{}
	out := make([]object, len(in.Requests))
	for i, p := range in.Requests {
		a := s.part(c, p, status)
		status[strings.ToLower(p.ID)] = a.status
		headers := object{}
		for k := range a.header {
			headers[k] = a.header.Get(k)
		}
		out[i] = object{"id": p.ID, "status": a.status, "headers": headers}
		if a.body != nil {
			out[i]["body"] = a.body
		}
	}
	s.dice.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return ok(object{"responses": out})
}

func headerOf(h map[string]string, name string) string {
	for k, v := range h {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return ""
}

func (s *Server) part(outer *call, p part, status map[string]int) answer {
	c := &call{method: strings.ToUpper(p.Method), base: outer.base, who: outer.who, header: http.Header{}, id: s.guid(), query: url.Values{}}
	for k, v := range p.Headers {
		c.header.Set(k, v)
	}
	for _, need := range p.DependsOn {
		if n := status[strings.ToLower(need)]; n >= 400 {
			return s.asAnswer(c, answer{}, refuse(http.StatusFailedDependency, "FailedDependency", "Request skipped due to an unsuccessful dependency in the batch."))
		}
	}
	path, query, _ := strings.Cut(strings.TrimPrefix(p.URL, "/"), "?")
	var err error
	if c.query, err = url.ParseQuery(query); err == nil {
		c.path = path
		c.segs, err = splitPath(path)
	}
	if err != nil || strings.Contains(path, "://") || path == "$batch" {
		return s.asAnswer(c, answer{}, badBatch("BadRequest", "Invalid request url: it must be relative to the version."))
	}
	if len(p.Body) > 0 && !isNull(p.Body) {
		c.body = p.Body
	}
	if c.method == http.MethodPut {
		return s.asAnswer(c, answer{}, refuse(http.StatusMethodNotAllowed, "notSupported", "Uploads are not supported in a batch by this stand-in."))
	}
	return s.one(c)
}

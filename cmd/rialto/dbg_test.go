package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
)

func dbg(s *served, r *http.Request) {
	if os.Getenv("DBG") == "" {
		return
	}
	b, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(b))
	if len(b) > 3000 {
		b = b[:3000]
	}
	fmt.Fprintf(os.Stderr, "%s %s %s %s\n", s.connector, r.Method, r.URL.RequestURI(), b)
}

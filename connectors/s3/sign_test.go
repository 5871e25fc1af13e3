package s3

import (
	"net/http"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

func BenchmarkSign(b *testing.B) {
	cfg, err := parseConfig(connector.Settings{connector.SettingURL: "http://127.0.0.1:9000", setKeyID: "AKIDEXAMPLE", setSecret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"})
	if err != nil {
		b.Fatal(err)
	}
	sign := newSigner(cfg, time.Now)
	b.ReportAllocs()
	for b.Loop() {
		r, err := http.NewRequestWithContext(b.Context(), http.MethodPut, cfg.address("bucket", "folder/file-000001", ""), nil)
		if err != nil {
			b.Fatal(err)
		}
		r.Header["Content-Type"] = []string{noType}
		r.Header["If-None-Match"] = []string{"*"}
		r.ContentLength = 20000
		if err := sign(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
}

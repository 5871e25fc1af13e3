package connectortest

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const smallDiscovery = `{"servicePath":"v1/","parameters":{"fields":{"type":"string","location":"query"},"alt":{"type":"string","location":"query","enum":["json","media"]},"uploadType":{"type":"string","location":"query"}},
"resources":{"files":{"methods":{
 "list":{"id":"x.files.list","path":"files","httpMethod":"GET","parameters":{"q":{"type":"string","location":"query","required":true},"n":{"type":"integer","location":"query"},"deep":{"type":"boolean","location":"query"}},"response":{"$ref":"List"}},
 "ids":{"id":"x.files.ids","path":"files/ids","httpMethod":"GET","response":{"$ref":"List"}},
 "get":{"id":"x.files.get","path":"files/{id}","httpMethod":"GET","supportsMediaDownload":true,"parameters":{"id":{"type":"string","location":"path","required":true}},"response":{"$ref":"File"}},
 "delete":{"id":"x.files.delete","path":"files/{id}","httpMethod":"DELETE"},
 "create":{"id":"x.files.create","path":"files","httpMethod":"POST","request":{"$ref":"File"},"response":{"$ref":"File"},"mediaUpload":{"protocols":{"simple":{"path":"/upload/v1/files"}}}}}}},
"schemas":{"List":{"type":"object","properties":{"files":{"type":"array","items":{"$ref":"File"}}}},
 "File":{"type":"object","properties":{"id":{"type":"string"},"size":{"type":"string","format":"int64","description":"Output only. Its size."},"at":{"type":"string","format":"date-time"},"on":{"type":"boolean"},
  "tags":{"type":"object","additionalProperties":{"type":"string"}},"owner":{"type":"object","properties":{"name":{"type":"string"}}}}}}}`

func TestDiscoveryFinds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "d.json")
	if err := os.WriteFile(path, []byte(smallDiscovery), 0o600); err != nil {
		t.Fatal(err)
	}
	multi := "--b\r\nContent-Type: application/json\r\n\r\n{\"id\":\"1\"}\r\n--b\r\nContent-Type: text/plain\r\n\r\nbytes\r\n--b--\r\n"
	for _, c := range []struct {
		name, method, path, typ, body string
		status                        int
		answer                        string
		want                          string // "" for nothing wrong
	}{
		{"all right", "GET", "/v1/files?q=a&n=3&deep=true&fields=files(id,owner(name))", "", "", 200, `{"files":[{"id":"1","size":"12","at":"2026-01-02T03:04:05.678Z","on":true,"tags":{"a":"b"}}]}`, ""},
		{"an unknown method", "PUT", "/v1/files", "", "", 200, `{}`, "no such method"},
		{"the literal path wins", "GET", "/v1/files/ids?q=a", "", "", 200, `{}`, "x.files.ids: query q"},
		{"a required parameter is missing", "GET", "/v1/files", "", "", 200, `{}`, "query q: it is required"},
		{"an unknown parameter", "GET", "/v1/files?q=a&colour=x", "", "", 200, `{}`, "query colour"},
		{"no number", "GET", "/v1/files?q=a&n=x", "", "", 200, `{}`, "no integer"},
		{"no boolean", "GET", "/v1/files?q=a&deep=1", "", "", 200, `{}`, "no boolean"},
		{"none of a choice", "GET", "/v1/files/7?alt=proto", "", "", 200, `{}`, "none of"},
		{"a mask with an unknown field", "GET", "/v1/files?q=a&fields=files(id,owner(mail))", "", "", 200, `{}`, `no field "mail"`},
		{"a mask that does not end", "GET", "/v1/files?q=a&fields=files(id", "", "", 200, `{}`, "query fields"},
		{"an unknown field in an answer", "GET", "/v1/files/7", "", "", 200, `{"colour":"x"}`, "answer/colour"},
		{"a field of a wrong type", "GET", "/v1/files/7", "", "", 200, `{"on":"yes"}`, "answer/on"},
		{"no int64", "GET", "/v1/files/7", "", "", 200, `{"size":"many"}`, "no int64"},
		{"no time", "GET", "/v1/files/7", "", "", 200, `{"at":"yesterday"}`, "no time"},
		{"deep in an answer", "GET", "/v1/files?q=a", "", "", 200, `{"files":[{"tags":{"a":1}}]}`, "answer/files/*/tags/*"},
		{"no JSON", "GET", "/v1/files/7", "", "", 200, `<html>`, "not JSON"},
		{"bytes", "GET", "/v1/files/7?alt=media", "", "", 200, `bytes`, ""},
		{"bytes of what has none", "GET", "/v1/files?q=a&alt=media", "", "", 200, `bytes`, "gives no bytes"},
		{"a body", "POST", "/v1/files", "application/json", `{"id":"1","tags":{"a":null}}`, 200, `{}`, ""},
		{"a body with what only the cloud sets", "POST", "/v1/files", "application/json", `{"size":"1"}`, 200, `{}`, "only the cloud sets it"},
		{"a body where there is none", "DELETE", "/v1/files/7", "application/json", `{}`, 200, ``, "takes none"},
		{"an upload", "POST", "/upload/v1/files?uploadType=multipart", "multipart/related; boundary=b", multi, 200, `{}`, ""},
		{"an upload of a wrong form", "POST", "/upload/v1/files?uploadType=multipart", "multipart/form-data; boundary=b", multi, 200, `{}`, "multipart/related"},
		{"the beginning of an upload without an address", "POST", "/upload/v1/files?uploadType=resumable", "application/json", `{}`, 200, ``, "names no address"},
		{"a part of an upload without a range", "PUT", "/upload/v1/files?upload_id=7", "", "x", 200, `{"id":"1"}`, "Content-Range"},
		{"a refusal", "GET", "/v1/files", "", "", 404, `{"error":{"code":404,"message":"no","errors":[{"reason":"notFound"}]}}`, ""},
		{"a refusal of another form", "GET", "/v1/files", "", "", 404, `{"error":"no"}`, "Google's form"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := &kept{TB: t}
			d := LoadDiscovery(k, path, nil)
			q, err := http.NewRequest(c.method, "http://x.test"+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if c.typ != "" {
				q.Header.Set("Content-Type", c.typ)
			}
			resp, err := d.Transport(canned{c.status, "application/json", c.answer}).RoundTrip(q)
			if err != nil {
				t.Fatal(err)
			}
			if b, _ := io.ReadAll(resp.Body); string(b) != c.answer {
				t.Errorf("the client got %q", b)
			}
			got := strings.Join(k.failed, "\n")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}

package connectortest

import (
	"strings"
	"testing"
)

// The examples of the contract itself are taken, and what is spoilt is not.
func TestStone(t *testing.T) {
	s := LoadStone(t, Shared(t, "contracts", "dropbox", "stone"))
	if len(s.routes) < 200 || len(s.types) < 900 {
		t.Fatalf("%d routes and %d types are read", len(s.routes), len(s.types))
	}
	for typ, cases := range map[string]map[string]string{
		"files.Metadata": {
			`{".tag":"folder","id":"id:a","name":"x"}`: "",
			`{".tag":"file","id":"id:a","name":"x"}`:   "lacks the field",
			`{".tag":"file","id":"id:a","name":"x","client_modified":"2015-05-12T15:50:38Z","server_modified":"2015-05-12T15:50:38Z","rev":"a1c10ce0dd78","size":3}`:  "",
			`{".tag":"file","id":"id:a","name":"x","client_modified":"2015-05-12T15:50:38Z","server_modified":"2015-05-12T15:50:38Z","rev":"x1c10ce0dd78","size":3}`:  "not of the form",
			`{".tag":"file","id":"id:a","name":"x","client_modified":"2015-05-12T15:50:38Z","server_modified":"2015-05-12T15:50:38Z","rev":"a1c10ce0dd78","size":-3}`: "is no UInt64",
			`{".tag":"folder","id":"id:a","name":"x","colour":1}`: "colour",
			`{".tag":"parrot","id":"id:a","name":"x"}`:            "subtypes",
		},
		"files.ListFolderArg": {
			`{"path":""}`:                  "",
			`{"path":"x"}`:                 "form",
			`{"path":"id:x","limit":2001}`: "more than 2000",
			`{"limit":20}`:                 "lacks the field path",
		},
		"files.CommitInfo": {
			`{"path":"id:x/name","mode":{".tag":"update","update":"a1c10ce0dd78"},"mute":true}`: "",
			`{"path":"id:x/name\nline"}`:                  "form",
			`{"path":"/x","mode":"add"}`:                  "",
			`{"path":"/x","mode":{".tag":"update"}}`:      "without its value",
			`{"path":"/x","mode":"append"}`:               `the tag "append"`,
			`{"path":"/x","mute":"yes"}`:                  "neither true nor false",
			`{"path":"/x","client_modified":"today"}`:     "no time",
			`{"path":"/x","client_modified":null}`:        "",
			`{"path":"/x","property_groups":{"a":"b"}}`:   "no list",
			`{"path":"/x","property_groups":[{"a":"b"}]}`: "property_groups/0",
		},
		"files.CreateFolderBatchLaunch": {
			`{".tag":"async_job_id","async_job_id":"x"}`: "",
			`{".tag":"complete","entries":[{".tag":"success","metadata":{"id":"id:a","name":"x"}},{".tag":"failure",".failure":1}]}`:                                                    "entries/1",
			`{".tag":"complete","entries":[{".tag":"failure","failure":{".tag":"path","path":{".tag":"conflict","conflict":{".tag":"folder"}}}},{".tag":"failure","failure":"other"}]}`: "",
		},
		"sharing.MemberSelector": {`{".tag":"dropbox_id","dropbox_id":"dbid:1"}`: "", `{".tag":"email"}`: "without its value"},
	} {
		for text, want := range cases {
			got := s.Fits(typ, []byte(text))
			if want == "" && got != "" || want != "" && !strings.Contains(got, want) {
				t.Errorf("%s %s: %q, want %q", typ, text, got, want)
			}
		}
	}
}

package app

import (
	"fmt"
	"strings"
	"testing"
)

func TestLocalServer(t *testing.T) {
	for _, c := range []struct {
		setting string
		want    int // 0 for every port, -1 for no such server
	}{
		{"http://127.0.0.1:8080", 8080}, {"http://localhost:8080/base", 8080}, {"https://[::1]:8443", 8443}, {"http://127.8.9.1:80", 80},
		{"https://localhost", 443}, {"sftp://localhost", 22}, {"smb://localhost", 445}, {"127.0.0.1:2222", 2222}, {"localhost:993", 993}, {"trello.localhost:80", 80},
		{"localhost", 0}, {"127.0.0.1", 0}, {"::1", 0}, {"[::1]", 0}, {"ftp://localhost", 0}, {"ftps://localhost:2121", 0},
		{"https://api.trello.com", -1}, {"https://api.trello.com:8443/127.0.0.1:80", -1}, {"https://127.0.0.1.example.com:80", -1}, {"http://10.0.0.1:80", -1},
		{"https://user:localhost@example.com:80", -1}, {"", -1}, {"a token", -1}, {"http://localhost:99999", -1},
		{"http://0.0.0.0:80", -1}, {"http://localhost.example.com:80", -1}, {"10.0.0.1", -1},
	} {
		got, ok := localServer(c.setting)
		if ok != (c.want >= 0) || ok && int(got) != c.want {
			t.Errorf("%q: port %d, %v", c.setting, got, ok)
		}
	}
}

func TestParseNetworks(t *testing.T) {
	for _, c := range []struct {
		list []string
		want string
		bad  string
	}{
		{[]string{"10.0.0.0/8", ""}, "[10.0.0.0/8]", ""},
		{[]string{"10.1.2.3/8, fd00::/8", "192.168.0.7"}, "[10.0.0.0/8 fd00::/8 192.168.0.7/32]", ""},
		{nil, "[]", ""},
		{[]string{"10.0.0.0/40"}, "", "write it like"},
		{[]string{"nextcloud.intern"}, "", `"nextcloud.intern" is no network`},
	} {
		got, err := ParseNetworks(c.list...)
		if c.bad != "" {
			if err == nil || !strings.Contains(err.Error(), c.bad) {
				t.Errorf("%q: %v", c.list, err)
			}
			continue
		}
		if err != nil || fmt.Sprint(got) != c.want {
			t.Errorf("%q: %v, %v", c.list, got, err)
		}
	}
}

package standin

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestConversations(t *testing.T) {
	n := start(t, Options{})
	threads := "/groups/" + n.group + "/threads"
	in := object{"topic": "Comments", "posts": []object{{"body": object{"contentType": "html", "content": "<p>first &amp; <b>best</b></p>"}}}}
	n.as(n.app, "POST", threads, in).refused(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
	bob, err := n.Token(n.bob) // no member
	if err != nil {
		t.Fatal(err)
	}
	n.as(bob, "POST", threads, in).refused(403, "ErrorAccessDenied", "")

	made := n.as(n.token, "POST", threads, in).want(201)
	if made.str("topic") != "Comments" || made.str("preview") != "first & best" || fmt.Sprint(made.body["uniqueSenders"]) != "[Ada Lovelace]" || made.body["toRecipients"] != nil {
		t.Errorf("the thread is %s", made.raw)
	}
	id := made.str("id")
	at := threads + "/" + id
	if g := n.do("GET", at+"?$select=id,toRecipients,ccRecipients", nil).want(200); len(g.body["toRecipients"].([]any)) != 1 {
		t.Errorf("the recipients are %s", g.raw)
	}
	reply := object{"post": object{"body": object{"contentType": "text", "content": "a < b\nc"}}}
	n.as(n.app, "POST", at+"/reply", reply).refused(403, "ErrorAccessDenied", "")
	n.clock.move(time.Minute)
	if g := n.as(n.token, "POST", at+"/reply", reply).want(202); len(g.raw) != 0 {
		t.Errorf("a reply answers %q", g.raw)
	}
	n.as(n.token, "POST", at+"/reply", object{"Post": object{"body": object{"contentType": "html", "content": "third"}}}).want(202)
	posts := n.do("GET", at+"/posts", nil).want(200).list()
	if len(posts) != 3 {
		t.Fatalf("there are %d posts", len(posts))
	}
	second := posts[1]
	if c := second["body"].(map[string]any); c["contentType"] != "html" || !strings.Contains(c["content"].(string), "a &lt; b<br>") {
		t.Errorf("the text became %v", c)
	}
	if from := second["from"].(map[string]any)["emailAddress"].(map[string]any); from["address"] != "ada@contoso.invalid" || second["createdDateTime"] != "2026-03-01T12:01:00Z" {
		t.Errorf("the post is %v", second)
	}
	n.do("GET", at+"/posts/"+second["id"].(string), nil).want(200)
	n.do("GET", at+"/posts/none", nil).refused(404, "ErrorItemNotFound", "")

	conversations := n.do("GET", "/groups/"+n.group+"/conversations", nil).want(200).list()
	if len(conversations) != 1 {
		t.Fatalf("there are %d conversations", len(conversations))
	}
	conv := "/groups/" + n.group + "/conversations/" + conversations[0]["id"].(string)
	n.do("GET", conv, nil).want(200)
	if got := n.do("GET", conv+"/threads", nil).want(200).list(); len(got) != 1 || got[0]["id"] != id {
		t.Errorf("its threads are %v", got)
	}
	n.as(n.token, "POST", conv+"/threads/"+id+"/reply", reply).want(202)
	if got := n.do("GET", conv+"/threads/"+id+"/posts", nil).want(200).list(); len(got) != 4 {
		t.Errorf("there are %d posts", len(got))
	}

	for _, bad := range []object{
		{"topic": "x"}, {"topic": "x", "posts": []object{}}, {"topic": "x", "posts": []object{{"body": object{"content": "x", "colour": "red"}}}},
		{"topic": "x", "posts": []object{{"body": object{"contentType": "markdown", "content": "x"}}}}, {"subject": "x"},
		{"topic": "x", "posts": []object{{"body": object{"content": "x"}, "createdDateTime": "2020-01-01T00:00:00Z"}}},
	} {
		n.as(n.token, "POST", threads, bad).want(400)
	}
	n.as(n.token, "POST", at+"/reply", object{"comment": "x"}).want(400)

	for range 25 {
		n.as(n.token, "POST", at+"/reply", reply).want(202)
	}
	all, pages := n.all(at + "/posts")
	if len(all) != 29 || pages != 2 || all[28]["id"] == all[27]["id"] {
		t.Errorf("%d posts on %d pages", len(all), pages)
	}

	n.as(n.app, "DELETE", at, nil).refused(403, "ErrorAccessDenied", "")
	n.do("DELETE", at+"/posts/"+second["id"].(string), nil).refused(405, "Request_BadRequest", "")
	n.as(n.token, "DELETE", at, nil).want(204)
	n.do("GET", at, nil).refused(404, "ErrorItemNotFound", "")
	if got := n.do("GET", threads, nil).want(200).list(); len(got) != 0 {
		t.Errorf("the threads are %v", got)
	}
}

func TestAReplyArrivesLater(t *testing.T) {
	n := start(t, Options{ReplyDelay: time.Minute})
	threads := "/groups/" + n.group + "/threads"
	post := object{"body": object{"contentType": "html", "content": "x"}}
	at := threads + "/" + n.as(n.token, "POST", threads, object{"topic": "x", "posts": []object{post}}).want(201).str("id")
	n.as(n.token, "POST", at+"/reply", object{"post": post}).want(202)
	if got := n.do("GET", at+"/posts", nil).want(200).list(); len(got) != 1 {
		t.Errorf("at once there are %d posts", len(got))
	}
	n.clock.move(time.Minute)
	if got := n.do("GET", at+"/posts", nil).want(200).list(); len(got) != 2 {
		t.Errorf("a minute later there are %d posts", len(got))
	}
}

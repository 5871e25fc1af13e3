package s3

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// answers are listings as servers send them, and what else XML may hold.
func answers() map[string]struct {
	body  string
	plain bool
} {
	const root = `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`
	list := func(inner string) string {
		return `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + root + inner + `</ListBucketResult>`
	}
	return map[string]struct {
		body  string
		plain bool
	}{
		"Amazon's": {list(`<Name>b</Name><Prefix></Prefix><NextContinuationToken>1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=</NextContinuationToken><KeyCount>2</KeyCount><MaxKeys>2</MaxKeys><EncodingType>url</EncodingType>` +
			`<IsTruncated>true</IsTruncated><Contents><Key>a+b/%C3%A4.txt</Key><LastModified>2009-10-12T17:50:30.000Z</LastModified><ETag>&quot;fba9dede5f27731c9771645a39863328&quot;</ETag><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><Size>434234</Size><StorageClass>STANDARD</StorageClass></Contents>` +
			`<Contents><Key>c</Key><LastModified>2009-10-12T17:50:30.000Z</LastModified><ETag>"fb"</ETag><Size>0</Size><Owner><ID>75aa</ID><DisplayName>mtd&amp;c</DisplayName></Owner><RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress></RestoreStatus></Contents>`), true},
		"versitygw's":             {`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + root + `<IsTruncated>false</IsTruncated><Contents><ETag>&#34;ab&#34;</ETag><Key>a b&#39;c&lt;&gt;</Key><LastModified>2026-11-22T21:19:05Z</LastModified><Size>100</Size></Contents><Delimiter></Delimiter></ListBucketResult>`, true},
		"folders":                 {list(`<IsTruncated>false</IsTruncated><CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes><CommonPrefixes><Prefix>b/</Prefix><Other>x</Other></CommonPrefixes>`), true},
		"nothing":                 {list(``), true},
		"indented":                {list("\n  <Contents>\n\t<Key>k</Key>\n  </Contents>\n"), true},
		"without a namespace":     {`<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>`, true},
		"said twice":              {list(`<IsTruncated>true</IsTruncated><IsTruncated>false</IsTruncated><Contents><Key>a</Key><Key>b</Key></Contents>`), true},
		"what follows":            {list(``) + `<Other`, true},
		"an error":                {`<?xml version="1.0" encoding="UTF-8"?><Error><Code>InternalError</Code></Error>`, false},
		"another":                 {`<html></html>`, false},
		"another encoding":        {strings.Replace(list(``), "UTF-8", "ISO-8859-1", 1), false},
		"CDATA":                   {list(`<Contents><Key><![CDATA[a<b]]></Key></Contents>`), false},
		"a comment":               {list(`<Contents><Key>a<!-- b -->c</Key></Contents>`), false},
		"an instruction":          {list(`<?x y?><IsTruncated>true</IsTruncated>`), false},
		"a type":                  {`<!DOCTYPE x>` + list(``), false},
		"text beside elements":    {list(`text<IsTruncated>true</IsTruncated>`), false},
		"elements in a text":      {list(`<Contents><Key>a<b>c</b>d</Key></Contents>`), false},
		"empty elements":          {list(`<Prefix/><Contents><Key/><Size/></Contents>`), false},
		"attributes":              {list(`<Contents a="b"><Key c='d'>k</Key></Contents>`), false},
		"prefixes":                {list(`<x:Contents><x:Key>k</x:Key></x:Contents>`), false},
		"other entities":          {list(`<Contents><Key>&#x41;&#228;</Key></Contents>`), false},
		"unknown entities":        {list(`<Contents><Key>&nbsp;</Key></Contents>`), false},
		"an open entity":          {list(`<Contents><Key>a&b</Key></Contents>`), false},
		"an open text":            {list(`<Contents><Key>a]]>b</Key></Contents>`), false},
		"letters":                 {list(`<Contents><Key>Ä</Key></Contents>`), false},
		"letters that are none":   {list("<Contents><Key>\xff</Key></Contents>"), false},
		"control characters":      {list("<Contents><Key>a\rb\x01</Key></Contents>"), false},
		"a name that is a number": {list(`<1>x</1>`), false},
		"spaces in ends":          {list(`<Contents ><Key>k</Key ></Contents >`), false},
		"no size":                 {list(`<Contents><Size></Size></Contents>`), false},
		"a size with spaces":      {list(`<Contents><Size> 7 </Size></Contents>`), false},
		"a size that is none":     {list(`<Contents><Size>7k</Size></Contents>`), false},
		"too large a size":        {list(`<Contents><Size>9999999999999999999</Size></Contents>`), false},
		"a time that is none":     {list(`<Contents><LastModified>yesterday</LastModified></Contents>`), false},
		"another truth":           {list(`<IsTruncated>1</IsTruncated>`), false},
		"no truth":                {list(`<IsTruncated></IsTruncated>`), false},
		"cut off":                 {list(`<Contents><Key>k</Key></Contents>`)[:120], false},
		"cut off at the end":      {strings.TrimSuffix(list(``), ">"), false},
		"ends that do not match":  {list(`<Contents><Key>k</Size></Contents>`), false},
		"deep":                    {list(strings.Repeat("<a>", 20) + strings.Repeat("</a>", 20)), false},
	}
}

func TestPlainListings(t *testing.T) {
	for name, one := range answers() {
		t.Run(name, func(t *testing.T) {
			if ok := sameListing(t, []byte(one.body)); ok != one.plain {
				t.Errorf("it is taken for plain: %v, want %v", ok, one.plain)
			}
		})
	}
}

// FuzzPlainListings holds what plainList reads against encoding/xml.
func FuzzPlainListings(f *testing.F) {
	for _, one := range answers() {
		f.Add([]byte(one.body))
	}
	f.Fuzz(func(t *testing.T, body []byte) { sameListing(t, body) })
}

// sameListing reports whether a listing is plain; if so, encoding/xml reads the same.
func sameListing(t *testing.T, body []byte) bool {
	t.Helper()
	got, ok := plainList(body)
	if !ok {
		return false
	}
	var want listResult
	if err := decode(body, "ListBucketResult", &want); err != nil {
		t.Fatalf("it is no listing, and was read as %+v: %v", got, err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("it was read as\n%+v\nand is\n%+v", got, want)
	}
	return true
}

func BenchmarkListings(b *testing.B) {
	var body strings.Builder
	body.WriteString(`<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>false</IsTruncated>`)
	for n := range 1000 {
		fmt.Fprintf(&body, `<Contents><Key>folder-%03d/file-%06d.bin</Key><LastModified>2009-10-12T17:50:30.000Z</LastModified><ETag>&quot;fba9dede5f27731c9771645a39863328&quot;</ETag><Size>20000</Size><StorageClass>STANDARD</StorageClass></Contents>`, n/100, n)
	}
	body.WriteString(`</ListBucketResult>`)
	b.Run("plain", func(b *testing.B) {
		for b.Loop() {
			if _, ok := plainList([]byte(body.String())); !ok {
				b.Fatal("it is not plain")
			}
		}
	})
	b.Run("XML", func(b *testing.B) {
		for b.Loop() {
			var l listResult
			if err := decode([]byte(body.String()), "ListBucketResult", &l); err != nil {
				b.Fatal(err)
			}
		}
	})
}

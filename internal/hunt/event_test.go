package hunt

import (
	"strings"
	"testing"
	"time"
)

func TestEventOf(t *testing.T) {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct{ name, head, line, want string }{
		{"zeek", "#separator \\x09\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tquery\n", "1521911721.255387\tC8\t10.0.0.5\t53\t10.0.0.1\t53\tx.evil.com", "2018-03-24T17:15:21.255387Z 10.0.0.5 10.0.0.1 query"},
		{"zeek json", "", `{"_path":"dns","ts":"2018-03-24T17:15:20.629574Z","id.orig_h":"10.1.1.1","id.resp_h":"10.1.1.2","query":"x.evil.com"}`, "2018-03-24T17:15:20.629574Z 10.1.1.1 10.1.1.2 query"},
		{"zeek json, other style", "", `{"ts":1521911720.6,"id_orig_h":"10.1.1.1","id_resp_h":"10.1.1.2","host":"x.evil.com"}`, "2018-03-24T17:15:20.6Z 10.1.1.1 10.1.1.2 host"},
		{"eve", "", `{"timestamp":"2026-02-01T10:00:00.000001+0100","event_type":"dns","src_ip":"10.0.0.5","dest_ip":"10.0.0.1","dns":{"rrname":"x.evil.com"}}`, "2026-02-01T09:00:00.000001Z 10.0.0.5 10.0.0.1 dns.rrname"},
		{"squid", "", "1521911720.629    123 10.0.0.7 TCP_MISS/200 1 GET http://x.evil.com/ - DIRECT/1.1.1.1 text/html", "2018-03-24T17:15:20.629Z 10.0.0.7  "},
		{"nginx", "", `10.0.0.8 - - [02/Feb/2026:15:04:05 +0100] "GET / HTTP/1.1" 200 1 "http://x.evil.com/"`, "2026-02-02T14:04:05Z 10.0.0.8  "},
		{"syslog", "", "<34>Dec 11 22:14:15 mymachine su: x.evil.com", "2025-12-11T22:14:15Z mymachine  "},
		{"cef", "", "CEF:0|a|b|1|1|n|5|rt=1521911720000 src=10.0.0.9 dst=1.1.1.1 request=http://x.evil.com/", "2018-03-24T17:15:20Z 10.0.0.9 1.1.1.1 "},
		{"windows json", "", `{"Event":{"System":{"Computer":"WS1","TimeCreated":{"#attributes":{"SystemTime":"2026-02-01T10:00:00.1Z"}}},"EventData":{"QueryName":"x.evil.com"}}}`, "2026-02-01T10:00:00.1Z WS1  Event.EventData.QueryName"},
		{"windows xml", "", `<Event><System><TimeCreated SystemTime='2026-02-01T10:00:00.1Z'/><Computer>WS1</Computer></System><EventData><Data Name='SourceIp'>10.0.0.2</Data><Data Name='DestinationHostname'>x.evil.com</Data></EventData></Event>`, "2026-02-01T10:00:00.1Z 10.0.0.2  DestinationHostname"},
		{"cloudtrail", "", `{"eventTime":"2026-02-01T10:00:00Z","sourceIPAddress":"9.9.9.9","requestParameters":{"url":"x.evil.com"}}`, "2026-02-01T10:00:00Z 9.9.9.9  requestParameters.url"},
		{"flow", "", "2 123456789010 eni-1235b8ca 10.0.1.1 1.2.3.4 4444 443 6 20 4249 1521911720 1521911790 ACCEPT OK", "2018-03-24T17:15:20Z 10.0.1.1 1.2.3.4 "},
		{"csv", "time,src_ip,domain\n", "2026-02-01 10:00:00,10.0.0.3,x.evil.com", "2026-02-01T10:00:00Z 10.0.0.3  domain"},
		{"ecs", "", `{"@timestamp":"2026-02-01T10:00:00Z","source":{"ip":"10.0.0.4"},"destination":{"ip":"1.1.1.1","domain":"x.evil.com"}}`, "2026-02-01T10:00:00Z 10.0.0.4 1.1.1.1 destination.domain"},
		{"ocsf", "", `{"time":1521911720000,"src_endpoint":{"ip":"10.0.0.4"},"dst_endpoint":{"ip":"1.1.1.1"},"query":{"hostname":"x.evil.com"}}`, "2018-03-24T17:15:20Z 10.0.0.4 1.1.1.1 query.hostname"},
		{"broken json", "", `{"src_ip":"10.0.0.4","x`, " 10.0.0.4  "},
		{"nothing", "", "evil.com", "   "},
	} {
		e := EventOf([]byte(tt.line), ColumnsOf([]byte(tt.head)), max(strings.Index(tt.line, "x.evil.com"), 0), now)
		when := ""
		if !e.Time.IsZero() {
			when = e.Time.UTC().Format(time.RFC3339Nano)
		}
		got := strings.Join([]string{when, e.Source, e.Destination, e.Field}, " ")
		if tt.name == "broken json" || tt.name == "cef" || tt.name == "flow" { // the field does not matter
			got = strings.Join([]string{when, e.Source, e.Destination, ""}, " ")
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func FuzzEventOf(f *testing.F) {
	f.Add(`{"a":{"b":[1,{"c":"d"}]}}`, "a,b\n", 3)
	f.Add("<34>Dec 11 22:14:15 mymachine su", "#fields\ta\n", 0)
	f.Fuzz(func(t *testing.T, line, head string, offset int) {
		now := time.Unix(1e9, 0)
		if a, b := EventOf([]byte(line), ColumnsOf([]byte(head)), offset, now), EventOf([]byte(line), ColumnsOf([]byte(head)), offset, now); a != b {
			t.Errorf("%+v and %+v", a, b)
		}
	})
}

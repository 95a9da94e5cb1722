// A router as many are written in Go: it looks for the model in the body and hands on to net/http/httputil.
// usage: proxy_router PORT ENGINE_PORT
package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
)

func main() {
	engine, err := url.Parse("http://127.0.0.1:" + os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(engine)
	forward.FlushInterval = -1 // as it does for streams of events by itself
	forward.Transport = &http.Transport{MaxIdleConnsPerHost: 1024, DisableCompression: true}
	route := func(answer http.ResponseWriter, request *http.Request) {
		var asked struct{ Model string }
		body, err := io.ReadAll(request.Body)
		if err != nil || json.Unmarshal(body, &asked) != nil || asked.Model == "" {
			http.Error(answer, "no model", http.StatusBadRequest)
			return
		}
		request.Body = io.NopCloser(bytes.NewReader(body))
		forward.ServeHTTP(answer, request)
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], http.HandlerFunc(route)))
}

package modules

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// openHostFile answers a request for a file:// address: a file of the host. The
// error is not nil only when the host was lost.
func (c *Call) openHostFile(ctx context.Context, q webRequest) (webAnswer, error) {
	u, err := url.Parse(q.url)
	if err != nil {
		return webAnswer{status: -1, url: q.url, err: err}, nil
	}
	f, fail, err := c.observe(ctx, "p="+quoteText(dashless(u.Path))+`
if [ -d "$p" ]; then printf 'why=[Errno 21] Is a directory\0'
elif [ ! -e "$p" ]; then printf 'why=[Errno 2] No such file or directory\0'
elif [ ! -r "$p" ]; then printf 'why=[Errno 13] Permission denied\0'
else printf 'size='; wc -c <"$p"; printf '\0'; fi
`)
	if err != nil {
		return webAnswer{}, err
	}
	if fail != nil {
		return webAnswer{status: -1, url: q.url, err: errors.New(fail.Msg)}, nil
	}
	if f.has("why") {
		return webAnswer{status: -1, url: q.url, err: errors.New("<urlopen error " + f["why"] + ": '" + u.Path + "'>")}, nil
	}
	header := http.Header{"Content-Length": {strconv.Itoa(f.number("size"))}}
	return webAnswer{status: http.StatusOK, file: true, url: q.url, header: header, body: c.streamed(ctx, u.Path)}, nil
}

// statusCode is the status as results tell it: none for a file.
func (a webAnswer) statusCode() any {
	if a.file {
		return nil
	}
	return a.status
}

// hostFile is a file of the host that is fetched while it is read.
type hostFile struct {
	*io.PipeReader
	done chan struct{}
}

func (c *Call) streamed(ctx context.Context, path string) *hostFile {
	r, w := io.Pipe()
	f := &hostFile{r, make(chan struct{})}
	go func() {
		defer close(f.done)
		w.CloseWithError(c.Conn.Get(ctx, path, w))
	}()
	return f
}

// Close ends the transfer and waits for its end.
func (f *hostFile) Close() error {
	f.PipeReader.Close()
	<-f.done
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/gopooled/pooled/dashboards"
)

// prometheus is a process that scrapes the shop every second, and judges the alert rules.
type prometheus struct {
	url      string // empty: it is not installed
	dir      string
	guard    *exec.Cmd
	lifeline io.Closer
}

// guardScript ends prometheus when our end of its standard input is closed, by us or by our death, and removes what it has written: nobody wants
// to keep it.
const guardScript = `trap '' INT TERM HUP; "$@" & cat >/dev/null; kill -KILL $!; wait $!; rm -rf "$0"`

const config = `
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [alerts.yml]
scrape_configs:
  - job_name: shop
    static_configs: [{targets: ['%s'], labels: {instance: shop-1}}]
`

// startPrometheus starts it where it is installed, and waits until it answers.
func startPrometheus(ctx context.Context, target string) (*prometheus, error) {
	p := &prometheus{}
	path, err := exec.LookPath("prometheus")
	if err != nil {
		return p, nil //nolint:nilerr // the program can do without
	}
	if p.dir, err = os.MkdirTemp("", "pooled-observability-"); err != nil {
		return nil, err
	}
	if err := p.start(ctx, path, target); err != nil {
		os.RemoveAll(p.dir)
		return nil, err
	}
	if err := p.await(ctx); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// start starts the process and its guard.
func (p *prometheus) start(ctx context.Context, path, target string) error {
	for name, text := range map[string]string{"prometheus.yml": fmt.Sprintf(config, target), "alerts.yml": string(dashboards.Alerts)} {
		if err := os.WriteFile(p.file(name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	p.url = "http://" + address
	log, err := os.Create(p.file("log"))
	if err != nil {
		return err
	}
	defer log.Close() // the process has it
	p.guard = exec.Command("sh", "-c", guardScript, p.dir,
		path, "--config.file="+p.file("prometheus.yml"), "--storage.tsdb.path="+p.file("data"), "--web.listen-address="+address)
	p.guard.Stdout, p.guard.Stderr = log, log
	if p.lifeline, err = p.guard.StdinPipe(); err != nil {
		return err
	}
	return p.guard.Start()
}

func (p *prometheus) file(name string) string { return filepath.Join(p.dir, name) }

// await waits until it is ready.
func (p *prometheus) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/-/ready", http.NoBody)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			log, _ := os.ReadFile(p.file("log")) // for people
			return errors.Join(fmt.Errorf("prometheus does not answer; its log:\n%s", log), ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (p *prometheus) running() bool { return p.url != "" }

// stop waits until nothing is left of it.
func (p *prometheus) stop() {
	if p.running() {
		p.lifeline.Close()
		_ = p.guard.Wait() // the script's status is that of its last command
	}
}

// freeAddress is one that nobody listens on: prometheus takes no listener from others.
func freeAddress(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

#!/usr/bin/env bash
# Real servers for the tests: smtp-sink, Postfix and Dovecot, Tryton. Everything lives below one folder and listens
# on 127.0.0.1 only; nothing system-wide is started or changed, but missing Debian packages are installed (as root).
#
#   servers.sh start | stop | status | env | wipe
#
# REJOIN_SERVERS_DIR: the folder, absolute and at most 60 characters (unix sockets).
# REJOIN_SERVERS_BASE: ports are offsets from it; two runs side by side need two folders and two bases.
set -euo pipefail
# A server that inherits a pipe of the caller would keep the caller from ever seeing its end.
for fd in /proc/self/fd/*; do n=${fd##*/}; case $n in 0 | 1 | 2 | 255) ;; *) eval "exec $n>&-" 2>/dev/null || true ;; esac; done

here=$(cd "$(dirname "$0")" && pwd)
dir=${REJOIN_SERVERS_DIR:-/var/tmp/rejoin-test-servers}
base=${REJOIN_SERVERS_BASE:-28000}
sink_port=$((base + 26)) smtp_port=$((base + 25)) submission_port=$((base + 587))
imap_port=$((base + 143)) imaps_port=$((base + 993)) tryton_port=$((base + 800))

die() { printf 'servers.sh: %s\n' "$*" >&2; exit 1; }
open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
wait_open() { for _ in $(seq 1 $(($2 * 10))); do open "$1" && return 0; sleep 0.1; done; die "nothing listens on port $1"; }
alive() { [ -s "$1" ] && kill -0 "$(tr -d ' ' <"$1" | head -1)" 2>/dev/null; }

# A random password, made once, readable by its owner only.
secret() {
  local file=$dir/secrets/$1
  [ -s "$file" ] || (umask 077; mkdir -p "$dir/secrets"; od -An -N12 -tx1 /dev/urandom | tr -d ' \n' >"$file")
  cat "$file"
}

# Debian packages, installed when missing; their own daemons are not started.
need() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  [ "$(id -u)" = 0 ] || die "missing Debian packages: ${missing[*]} (run once as root)"
  local policy=/usr/sbin/policy-rc.d made=
  if [ ! -e $policy ]; then printf '#!/bin/sh\nexit 101\n' >$policy; chmod 755 $policy; made=1; fi
  { apt-get update -qq || true; DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } \
    >"$dir/apt.log" 2>&1 || { tail -5 "$dir/apt.log" >&2; die "apt-get could not install ${missing[*]}"; }
  [ -z "$made" ] || rm -f $policy
}

# ---- smtp-sink: takes any mail at full speed, for counting
start_sink() {
  alive "$dir/sink/pid" && return
  mkdir -p "$dir/sink"
  setsid /usr/sbin/smtp-sink -u nobody -h sink.test "127.0.0.1:$sink_port" 512 >"$dir/sink/log" 2>&1 </dev/null &
  echo $! >"$dir/sink/pid"
  wait_open "$sink_port" 10
}

# ---- mail: Postfix hands to Dovecot, which serves IMAP
mail_tls() {
  local h=$dir/mail/tls
  [ -s "$h/ca.pem" ] && return
  mkdir -p "$h"
  (
    cd "$h"; umask 077
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=Rejoin test CA" -keyout ca.key -out ca.pem
    openssl req -newkey rsa:2048 -nodes -subj "/CN=localhost" -keyout key.pem -out csr.pem
    printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n' >ext
    openssl x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -extfile ext -out cert.pem
    chmod 644 ca.pem cert.pem
  ) >"$dir/mail/tls.log" 2>&1
}

mail_users() {
  local h=$dir/mail
  { printf '%s@shop.test\n' care bounces; for i in $(seq -w 0 199); do echo "c$i@customer.test"; done; } >"$h/users"
  (umask 077; awk -v p="$(secret mail)" '{print $1":{PLAIN}"p"::::::"}' "$h/users" >"$h/passwd")
  chmod 644 "$h/passwd"
  awk '{print $1" ok"}' "$h/users" >"$h/postfix/vmailbox"
  # Accepted at first and refused by the next hop: a real bounce message comes back.
  echo "@late.test ok" >>"$h/postfix/vmailbox"
}

start_mail() {
  local h=$dir/mail
  [ "$(id -u)" = 0 ] || die "Postfix and Dovecot need root to drop privileges themselves"
  mkdir -p "$h"/{tls,postfix,spool,data,maildir,run,state}
  mail_tls
  mail_users
  chmod 755 "$h"; chown -R 29001:29001 "$h/maildir"; chown postfix "$h/data"
  install -d -o postfix -m 700 "$h/spool/private"
  local fill="s|@DIR@|$h|g; s|@IMAP@|$imap_port|; s|@IMAPS@|$imaps_port|; s|@SMTP@|$smtp_port|; s|@SUBMISSION@|$submission_port|"
  sed "$fill" "$here/dovecot.conf" >"$h/dovecot.conf"
  sed "$fill" "$here/main.cf" >"$h/postfix/main.cf"
  sed "$fill" "$here/master.cf" >"$h/postfix/master.cf"
  alive "$h/run/master.pid" || dovecot -c "$h/dovecot.conf" >"$h/dovecot.start" 2>&1 </dev/null || { cat "$h/dovecot.start" >&2; die "Dovecot did not start"; }
  alive "$h/spool/pid/master.pid" || postfix -c "$h/postfix" start >"$h/postfix.start" 2>&1 </dev/null || { cat "$h/postfix.start" >&2; die "Postfix did not start"; }
  wait_open "$smtp_port" 20; wait_open "$imap_port" 20
}

stop_mail() {
  local h=$dir/mail
  alive "$h/spool/pid/master.pid" && postfix -c "$h/postfix" stop >/dev/null 2>&1 || true
  alive "$h/run/master.pid" && doveadm -c "$h/dovecot.conf" stop || true
}

# ---- Tryton: a real ERP with parties and confirmed sales
start_tryton() {
  local h=$dir/tryton
  alive "$h/pid" && return
  mkdir -p "$h/db"
  if [ ! -x "$h/venv/bin/trytond" ]; then
    python3 -m venv "$h/venv"
    "$h/venv/bin/pip" install -q --disable-pip-version-check trytond==8.2.1 proteus==8.2.0 trytond-party==8.2.0 trytond-sale==8.2.0 \
      >"$h/pip.log" 2>&1 || { tail -5 "$h/pip.log" >&2; die "pip could not install Tryton"; }
  fi
  (umask 077; printf '[database]\nuri = sqlite://\npath = %s\n[web]\nlisten = 127.0.0.1:%s\n[session]\nauthentications = password\n' \
    "$h/db" "$tryton_port" >"$h/trytond.conf"; secret tryton >"$h/password")
  if [ ! -e "$h/ready" ]; then
    # What an interrupted start left half made is thrown away.
    rm -f "$h/db"/erp.sqlite*; touch "$h/db/erp.sqlite"
    { TRYTONPASSFILE=$h/password "$h/venv/bin/trytond-admin" -c "$h/trytond.conf" -d erp --all --email admin@shop.test &&
      "$h/venv/bin/trytond-admin" -c "$h/trytond.conf" -d erp -u party sale --activate-dependencies; } \
      >"$h/setup.log" 2>&1 </dev/null || { tail -5 "$h/setup.log" >&2; die "Tryton could not make its database"; }
  fi
  setsid "$h/venv/bin/trytond" -c "$h/trytond.conf" -d erp >"$h/log" 2>&1 </dev/null &
  echo $! >"$h/pid"
  wait_open "$tryton_port" 60
  if [ ! -e "$h/ready" ]; then
    TRYTON_PASSWORD=$(secret tryton) "$h/venv/bin/python" "$here/seed_tryton.py" "http://127.0.0.1:$tryton_port/erp/rpc/" \
      >"$h/seed.log" 2>&1 || { tail -5 "$h/seed.log" >&2; die "Tryton could not be seeded"; }
    touch "$h/ready"
  fi
}

# TERM, then KILL after 10 s, only the process the file names.
stop_pid() {
  alive "$1" || { rm -f "$1"; return 0; }
  local pid; pid=$(head -1 "$1")
  kill "$pid" 2>/dev/null || true
  for _ in $(seq 1 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  kill -9 "$pid" 2>/dev/null || true
  rm -f "$1"
}

stop_all() { stop_mail; stop_pid "$dir/sink/pid"; stop_pid "$dir/tryton/pid"; }

mkdir -p "$dir"; chmod 755 "$dir"
case ${1:-} in
  start)
    need postfix dovecot-imapd dovecot-lmtpd openssl python3 python3-venv strace
    start_sink; start_mail; start_tryton ;;
  stop) stop_all ;;
  wipe) stop_all; rm -rf "${dir:?}" ;;
  status) if open "$sink_port" && open "$smtp_port" && open "$imap_port" && open "$tryton_port"; then echo up; else echo down; exit 3; fi ;;
  env)
    cat <<ENV
export REJOIN_TEST_SMTP_SINK=127.0.0.1:$sink_port REJOIN_TEST_SMTP=127.0.0.1:$smtp_port REJOIN_TEST_SUBMISSION=127.0.0.1:$submission_port
export REJOIN_TEST_IMAP=127.0.0.1:$imap_port REJOIN_TEST_IMAPS=127.0.0.1:$imaps_port REJOIN_TEST_CA=$dir/mail/tls/ca.pem
export REJOIN_TEST_MAIL_USER=care@shop.test REJOIN_TEST_MAIL_PASSWORD=$(secret mail)
export REJOIN_TEST_TRYTON=http://127.0.0.1:$tryton_port/erp REJOIN_TEST_TRYTON_USER=admin REJOIN_TEST_TRYTON_PASSWORD=$(secret tryton)
ENV
    ;;
  *) die "usage: servers.sh start | stop | status | env | wipe" ;;
esac

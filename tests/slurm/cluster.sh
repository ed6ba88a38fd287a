#!/usr/bin/env bash
# cluster.sh start FOLDER [OWNER] | stop FOLDER: a private Slurm with four nodes of two cores on this host, for root, without
# systemd, cgroups or accounting; all its files are in FOLDER. With OWNER, a process id, it ends soon after that process.
# Use it with SLURM_CONF=FOLDER/slurm.conf. CPUs and memory of the nodes exist on paper only.
set -euo pipefail
command=$1 folder=$2 owner=${3:-}
export SLURM_CONF=$folder/slurm.conf

# The first of ten ports in a row at which nobody listens; several clusters may be on a host.
free_ports() {
    local port used i
    used=" $(awk 'NR > 1 && $4 == "0A" { sub(".*:", "", $2); print $2 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null |
        while read -r i; do printf '%d ' "0x$i"; done) "
    for _ in $(seq 100); do
        port=$((17000 + RANDOM % 1000 * 10))
        for i in $(seq 0 9); do [[ $used != *" $((port + i)) "* ]] || continue 2; done
        echo "$port"
        return
    done
    echo "cluster: no free ports from 17000 to 27000" >&2 && return 1
}

configure() {
    local host port
    host=$(hostname -s)
    port=$(free_ports)
    mkdir -p "$folder"/{state,log,pid,munge,spool/n{1..4},tmp/n{1..4}}
    chmod 755 "$folder"
    chmod 700 "$folder/munge"
    (umask 077 && dd if=/dev/urandom of="$folder/munge/key" bs=128 count=1 status=none)
    printf 'CgroupPlugin=cgroup/v1\n' >"$folder/cgroup.conf" # read even where no plugin uses it
    cat >"$SLURM_CONF" <<C
ClusterName=resjac
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort=$port
SlurmctldPidFile=$folder/pid/slurmctld.pid
SlurmdPidFile=$folder/pid/slurmd.%n.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd.%n.log
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool/%n
TmpFS=$folder/tmp/%n
AuthType=auth/munge
# cred_expire is also how long a requeued job waits.
AuthInfo=socket=$folder/munge/sock,cred_expire=5
CredType=cred/munge
SwitchType=switch/none
MpiDefault=pmix
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0
ReturnToService=0
SlurmctldTimeout=30
SlurmdTimeout=60
InactiveLimit=0
KillWait=5
MinJobAge=600
OverTimeLimit=0
JobRequeue=1
RebootProgram=/bin/true
MailProg=/bin/true
SlurmdParameters=config_overrides
NodeName=n[1-4] NodeHostname=$host NodeAddr=127.0.0.1 Port=[$((port + 1))-$((port + 4))] CPUs=2 Sockets=1 CoresPerSocket=2 ThreadsPerCore=1 RealMemory=5000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE DefaultTime=10 DefMemPerCPU=500 State=UP
C
}

start() {
    configure
    munged --force --key-file="$folder/munge/key" --socket="$folder/munge/sock" --pid-file="$folder/pid/munged.pid" \
        --log-file="$folder/log/munged.log" --seed-file="$folder/munge/seed"
    slurmctld -c # no state of earlier times
    for i in 1 2 3 4; do slurmd -N "n$i"; done
    for _ in $(seq 60); do
        if [ "$(sinfo -h -t idle -o %D 2>/dev/null)" = 4 ]; then
            [ -z "$owner" ] || watch_owner
            return
        fi
        sleep 0.5
    done
    echo "cluster: four nodes did not come up; logs in $folder/log" >&2
    tail -n 5 "$folder"/log/*.log >&2
    stop
    return 1
}

# A test that is killed cannot clean up behind itself.
watch_owner() {
    setsid bash -c 'while kill -0 "$1" 2>/dev/null; do sleep 1; done; exec bash "$2" stop "$3"' - \
        "$owner" "$(realpath "$0")" "$folder" </dev/null >/dev/null 2>&1 &
}

alive() { [ -r "/proc/$1/stat" ] && [ "$(cut -d ' ' -f 3 "/proc/$1/stat" 2>/dev/null)" != Z ]; }

# end FILE..: the processes of these pid files, together; in vain for ten seconds, then by force.
end() {
    local file pid pids=()
    for file in "$@"; do
        [ ! -s "$file" ] || pids+=("$(cat "$file")")
    done
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do
        for _ in $(seq 100); do alive "$pid" || break; sleep 0.1; done
        ! alive "$pid" || kill -KILL "$pid" 2>/dev/null || true
    done
    rm -f "$@"
}

# Jobs first, then exactly the processes of our own pid files.
stop() {
    [ -s "$folder/pid/slurmctld.pid" ] || return 0
    scancel --quiet --user=root 2>/dev/null || true
    end "$folder"/pid/slurmd.*.pid
    end "$folder/pid/slurmctld.pid"
    end "$folder/pid/munged.pid"
}

case $command in
    start) start ;;
    stop) stop ;;
    *) echo "usage: cluster.sh start FOLDER [OWNER] | stop FOLDER" >&2 && exit 64 ;;
esac

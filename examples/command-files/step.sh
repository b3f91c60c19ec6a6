# sh step.sh NAME SECONDS [flaky|broken]: stands for a training run, and tells if another one is on its GPUs.
# Beside it, out/trace gets a line when it begins and when it ends.
cd "$(dirname "$0")" && mkdir -p out || exit
fd=3
for gpu in $(echo "$GAVELQ_GPUS" | tr , ' '); do
    eval "exec $fd> out/gpu-$gpu.lock"
    flock -n $fd || echo "$1 shares GPU $gpu" >> out/double-booked
    fd=$((fd + 1))
done
echo "$1 begins on GPU $GAVELQ_GPUS, attempt $GAVELQ_ATTEMPT" | tee -a out/trace
sleep "$2"
case $3 in
    flaky) [ "$GAVELQ_ATTEMPT" -gt 1 ] || exit 1 ;;
    broken) echo "there are no numbers for $1" >&2; exit 3 ;;
esac
echo "$1 ends" >> out/trace

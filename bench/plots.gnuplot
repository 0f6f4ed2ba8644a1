# The plots of ./run bench: bench.sh sets machine, data and folder; report.awk writes the data.
set terminal svg size 900,420 font "sans,12" background "white"
set datafile missing "-"
set logscale y
set grid ytics
set ylabel "ns"
set key outside right

set output folder."/workloads.svg"
set title "1 process, 256 MiB (W5: 4 GiB); ".machine noenhanced
set style data histograms
set style fill solid 0.8
set boxwidth 0.9
plot for [i = 2:9] data."/workloads.dat" using i:xtic(1) title columnheader(i)

set style data linespoints
set logscale x 2

set output folder."/processes.svg"
set title "256 MiB; ".machine noenhanced
set xlabel "processes"
set xrange [0.9:4.4]
plot data."/processes.dat" using 1:2 skip 1 title "floor2cas, W1", \
     "" using 1:3 skip 1 title "shmpool, W1", \
     "" using 1:4 skip 1 title "boost, W1", \
     "" using 1:5 skip 1 title "shmpool, W3 at 95 %", \
     "" using 1:6 skip 1 title "boost, W3 at 95 %"

set output folder."/sizes.svg"
set title "1 process; ".machine noenhanced
set xlabel "MiB"
set xrange [10:100000]
plot data."/sizes.dat" using 1:2 title "floor2cas, W1", \
     "" using 1:3 title "shmpool, W1", \
     "" using 1:4 title "floor2cas, W3 at 95 %", \
     "" using 1:5 title "shmpool, W3 at 95 %"

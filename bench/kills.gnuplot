# The plot of ./run pictures: pictures.sh sets data, machine and output.
set terminal svg size 900,360 font "sans,12" background "white"
set output output
set title "4 processes allocate and free; one after the other is killed. ".machine noenhanced
set xlabel "seconds"
set ylabel "million operations a second"
set yrange [0:*]
set grid ytics
set key outside bottom center horizontal
plot data."/rate" using 1:($2 / 1e6) with lines linewidth 2 linecolor "#00796b" \
         title "all processes", \
     data."/kill" using 1:(0) with points pointtype 9 pointsize 1.2 linecolor "#d50000" \
         title "kill -9"

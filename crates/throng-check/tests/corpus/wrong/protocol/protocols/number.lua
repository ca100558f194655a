return 5 -->
